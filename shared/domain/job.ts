/** What a studio asks for (`JobSpec`), with every default filled in, and what the farm keeps of it (`JobRecord`). */
import { z } from 'zod';
import { DEFAULTS, LIMITS } from '../limits.js';
import { digestSchema, idempotencyKeySchema, jobIdSchema, planIdSchema, studioSchema } from './ids.js';
import { layerNameSchema } from './layers.js';
import { renderDeviceSchema } from './render-device.js';
import { lacksGpus, lacksLayer, rendererNameSchema, rendererVersionSchema } from './renderers.js';
import { isPackagePath, packageManifestSchema } from './scene-package.js';
import { jobScheduleSchema } from './schedule.js';

export const VIEWS = ['agx', 'aces', 'srgb'] as const;
export type View = (typeof VIEWS)[number];
export const OUTPUT_FORMATS = ['exr', 'png', 'png8', 'jpeg', 'webp', 'tiff'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

const sidePx = z.int().min(1).max(LIMITS.frameSidePxMax);
const name = z.string().min(1).max(LIMITS.nameCharsMax);

/** `auto`: the scene's own light, else the sky. */
export const environmentSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['auto', 'sky', 'white', 'none']) }),
  z.strictObject({ kind: z.literal('file'), path: z.string().refine(isPackagePath, 'not a package path') }),
]);
export type EnvironmentSetting = Readonly<z.infer<typeof environmentSchema>>;

export const renderSettingsSchema = z
  .strictObject({
    renderer: rendererNameSchema.default('gltf'),
    widthPx: sidePx.default(DEFAULTS.widthPx),
    heightPx: sidePx.default(DEFAULTS.heightPx),
    samples: z.int().min(1).max(LIMITS.samplesMax).default(DEFAULTS.samples),
    seed: z.int().min(0).max(0xffff_ffff).default(0),
    fps: z.number().min(0.001).max(1000).default(DEFAULTS.fps),
    camera: name.optional(),
    scene: name.optional(),
    /** Of a .blend file; absent: the first that the file enables. */
    viewLayer: name.optional(),
    animation: name.optional(),
    environment: environmentSchema.default({ kind: 'auto' }),
    exposureEv: z.number().min(-32).max(32).default(0),
    view: z.enum(VIEWS).default('agx'),
    layers: z.array(layerNameSchema).min(1).max(16).default(['beauty']),
    formats: z.array(z.enum(OUTPUT_FORMATS)).min(1).default(['exr', 'png']),
    /** Busy time per tile of the synthetic renderer, ms. */
    syntheticCostMs: z.number().min(0).max(3_600_000).default(0),
    /** Threads of a renderer in a process of its own; equal pixels on all nodes are promised for 1 only. */
    threadsPerSlot: z.int().min(1).max(LIMITS.threadsPerSlotMax).default(1),
    /** Scripts and drivers inside the scene may run; the studio's policy allowed it when the job was taken. */
    allowScripts: z.boolean().default(false),
    /** Files that the scene lacks do not fail its tiles. */
    allowMissing: z.boolean().default(false),
    /** Where the package's root was when it was made: absolute paths below it are found in the package. */
    sourceRoot: z.string().max(LIMITS.packagePathCharsMax).optional(),
    /** Equal pixels are promised for equal versions, and each kind of GPU is a version of its own. */
    device: renderDeviceSchema.default('cpu'),
  })
  .superRefine((settings, check) => {
    const lacking = settings.layers.find((layer) => lacksLayer(settings.renderer, layer));
    if (lacking !== undefined)
      check.addIssue({
        code: 'custom',
        path: ['layers'],
        message: `the ${settings.renderer} renderer has no layer "${lacking}"`,
      });
    if (settings.device === 'gpu' && lacksGpus(settings.renderer))
      check.addIssue({
        code: 'custom',
        path: ['device'],
        message: `the ${settings.renderer} renderer computes on processors only`,
      });
  })
  .refine((settings) => settings.widthPx * settings.heightPx <= LIMITS.framePixelsMax, {
    message: `a frame has at most ${LIMITS.framePixelsMax} pixels`,
    path: ['widthPx'],
  });
export type RenderSettings = Readonly<z.infer<typeof renderSettingsSchema>>;

const tileSidePx = z.int().min(1).max(LIMITS.frameSidePxMax);

/** The job that runs: immutable, stored in the coordinator's store, copied to the bus for agents. */
export const jobRecordSchema = z.strictObject({
  jobId: jobIdSchema,
  name,
  studio: studioSchema,
  idempotencyKey: idempotencyKeySchema,
  /** SHA-256 of the request as it came, so that a reused key with another request is refused. */
  requestDigest: digestSchema,
  manifest: packageManifestSchema,
  frames: z.array(z.int()).min(1).max(LIMITS.framesPerJobMax),
  settings: renderSettingsSchema,
  /** Only nodes that have just this version of the renderer get its tiles; absent until the first such node is chosen. */
  rendererVersion: rendererVersionSchema.optional(),
  plan: z.strictObject({ planId: planIdSchema, tileWidthPx: tileSidePx, tileHeightPx: tileSidePx }),
  /** `auto`, `128` or `256x128`, as asked. */
  tile: z.string(),
  maxAttempts: z.int().min(1).max(LIMITS.maxAttemptsMax),
  /** This part of the tiles, 0 to 1, counts only once two nodes have rendered the same pixels. */
  verify: z.number().min(0).max(1).default(0),
  /** Longest time in a slot's thread; 0: a multiple of what the job's tiles take. */
  tileTimeLimitMs: z.int().min(0).max(LIMITS.tileTimeLimitMsMax).default(0),
  schedule: jobScheduleSchema.prefault({}),
  warnings: z.array(z.string()),
  createdAtMs: z.number(),
});
export type JobRecord = Readonly<z.infer<typeof jobRecordSchema>>;

export const JOB_STATES = ['queued', 'running', 'finished', 'finished_with_failures', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];
