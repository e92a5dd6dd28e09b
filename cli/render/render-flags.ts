/**
 * The flags that say what to render, checked in one place before anything starts. What is not given is sent as 0 or
 * empty, and comes from the scene (see RenderSettings in proto/guian/v1/types.proto).
 */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { DURATION_PATTERN, formatDurationMs, parseDurationMs } from '#shared/domain/duration.js';
import { parseFrameRange } from '#shared/domain/frame-range.js';
import { ID_PATTERN } from '#shared/domain/ids.js';
import { OUTPUT_FORMATS, VIEWS } from '#shared/domain/job.js';
import { LAYER_NAMES } from '#shared/domain/layers.js';
import { renderDeviceSchema } from '#shared/domain/render-device.js';
import { rendererNameSchema, rendererVersionSchema } from '#shared/domain/renderers.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS, LIMITS } from '#shared/limits.js';
import { addScheduleFlags, checkScheduleFlags, scheduleFields } from './schedule-flags.js';

const BUILT_IN_LIGHT = ['auto', 'sky', 'white', 'none'] as const;

/** In the order of `--help`: the picture, then its place on a farm. */
export function addRenderFlags(command: Command): Command {
  return addScheduleFlags(addPictureFlags(command));
}

function addPictureFlags(command: Command): Command {
  return command
    .option(
      '--frames <range>',
      "frame numbers, e.g. 12, 0-47 or 0-47x2,60 (default: the scene's own, else the whole animation)",
    )
    .option(
      '--fps <n>',
      `frames per second: the animation is sampled at frame / fps (default: the scene's own, else ${DEFAULTS.fps})`,
    )
    .option(
      '--size <WxH>',
      `picture size in pixels (default: the scene's own, else ${DEFAULTS.widthPx}x${DEFAULTS.heightPx})`,
    )
    .option('--samples <n>', `samples per pixel (default: the scene's own, else ${DEFAULTS.samples})`)
    .option('--seed <n>', 'another seed gives other noise (default: 0)')
    .option(
      '--tile <size>',
      'tile size: auto, 128 or 256x128 pixels; the picture does not depend on it (default: auto)',
    )
    .option(
      '--camera <name>',
      "camera (default: the scene's own; in glTF its first, else one that frames the scene)",
    )
    .option('--scene <name>', "scene inside the file (default: the file's default scene)")
    .option('--view-layer <name>', 'view layer of a .blend file (default: as the file enables them)')
    .option('--animation <name>', 'animation of a glTF file (default: the first)')
    .option(
      '--env <light>',
      'light from around a glTF scene: a .hdr or .exr file, sky, white, none, or auto (default: auto: sky if the scene has no light)',
    )
    .option(
      '--exposure <EV>',
      'brighter or darker pictures, in stops; EXR files are not affected (default: 0)',
    )
    .option('--view <view>', `display transform of PNG and the like: ${VIEWS.join(', ')} (default: agx)`)
    .option(
      '--layers <names>',
      `layers in the EXR: ${LAYER_NAMES.join(', ')} (default: those that a .blend file enables, else beauty)`,
    )
    .option('--passes <names>', 'another name of --layers')
    .option('--format <names>', `files per frame: ${OUTPUT_FORMATS.join(', ')} (default: exr,png)`)
    .option('--name <name>', "the job's name, part of file names (default: the scene file's name)")
    .option('--studio <name>', `who the job belongs to (default: ${DEFAULTS.studio})`)
    .option(
      '--max-attempts <n>',
      `tries per tile before it counts as failed (default: ${DEFAULTS.maxAttempts})`,
    )
    .option(
      '--verify <percent>',
      'so many of the tiles, e.g. 1%, count only once two nodes have rendered the same pixels (default: 0%)',
    )
    .option(
      '--tile-timeout <time>',
      'longest time of one try at a tile, e.g. 90s, 10m or 2h (default: 20 times what the tiles take, at least 5m; 30m while that is unknown)',
    )
    .option(
      '--renderer <name>',
      'gltf, blender, povray, or one that nodes have as a module (default: by the extension of the scene file)',
    )
    .option(
      '--renderer-version <version>',
      'only nodes with just this version, as "guian nodes" shows it (default: the newest that most slots have)',
    )
    .option(
      '--threads-per-slot <n>',
      'threads of Blender or POV-Ray in each slot; more than 1 gives up equal pixels on all nodes (default: 1)',
    )
    .option(
      '--device <kind>',
      'cpu or gpu: what Blender computes with; gpu waits for nodes that have one, and its pixels are the same for one kind of GPU (default: cpu)',
    )
    .option(
      '--allow-scripts',
      'let scripts and drivers inside the scene run, on the nodes as well; only for files that you trust',
    )
    .option('--allow-missing', 'render even though files of the scene are missing')
    .option(
      '--root <dir>',
      'folder at which the package begins, and from which a node that reads the scene may get what it asks for (default: the deepest one that holds the scene and the files that it names)',
    )
    .addOption(new Option('--cost <ms>', 'busy time per tile of the synthetic renderer').hideHelp());
}

/** Checked flags; 0, empty or absent where the user left it to the scene. */
export type RenderFlags = Omit<z.infer<typeof flagsSchema>, 'passes'>;

/** @throws USAGE_INVALID naming the flag, the value and what is allowed. */
export function parseRenderFlags(options: Readonly<Record<string, unknown>>): RenderFlags {
  const parsed = flagsSchema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const key = String(issue.path[0]);
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const value = String(options[key]).slice(0, 80);
    throw new FarmError('USAGE_INVALID', `${flag} "${value}": ${issue.message}`, { flag });
  }
  const { passes, ...flags } = parsed.data;
  checkFrames(flags.frames);
  checkScheduleFlags(flags);
  if (flags.threadsPerSlot > 1 && flags.verify > 0)
    throw new FarmError(
      'USAGE_INVALID',
      `--threads-per-slot "${flags.threadsPerSlot}": --verify compares the pixels of two nodes, which are the same for one thread per slot only; leave one of them out`,
      { flag: '--threads-per-slot' },
    );
  if (passes.length === 0) return flags;
  if (flags.layers.length > 0)
    throw new FarmError('USAGE_INVALID', '--passes is another name of --layers; give one of them');
  return { ...flags, layers: passes };
}

/** What stands behind a flag's value, for messages: `it must be …`. */
function whole(min: number, max: number, what = '') {
  const error = `it must be a whole number from ${min} to ${max}${what}`;
  return z
    .string()
    .regex(/^-?\d{1,15}$/, error)
    .transform(Number)
    .refine((value) => value >= min && value <= max, error);
}

function decimal(min: number, max: number, what = '') {
  const error = `it must be a number from ${min} to ${max}${what}`;
  return z
    .string()
    .regex(/^-?\d{1,9}(\.\d{1,12})?$/, error)
    .transform(Number)
    .refine((value) => value >= min && value <= max, error);
}

function list<const V extends readonly string[]>(values: V) {
  return z
    .string()
    .transform((value) => [...new Set(value.split(',').map((item) => item.trim()))])
    .pipe(
      z
        .array(z.enum(values, { error: `it must be a list of ${values.join(', ')}, separated by commas` }))
        .min(1),
    );
}

const name = z
  .string()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'it must not be empty or hold control characters')
  .max(LIMITS.nameCharsMax, `it must have at most ${LIMITS.nameCharsMax} characters`);

const SIDE = LIMITS.frameSidePxMax;
const sizeError = `it must be WIDTHxHEIGHT in pixels, such as 1920x1080, each from 1 to ${SIDE}`;
const size = z
  .string()
  .regex(/^\d{1,6}x\d{1,6}$/, sizeError)
  .transform((value) => {
    const [widthPx, heightPx] = value.split('x').map(Number) as [number, number];
    return { widthPx, heightPx };
  })
  .refine(
    ({ widthPx, heightPx }) => [widthPx, heightPx].every((side) => side >= 1 && side <= SIDE),
    sizeError,
  )
  .refine(
    ({ widthPx, heightPx }) => widthPx * heightPx <= LIMITS.framePixelsMax,
    `it must have at most ${LIMITS.framePixelsMax} pixels in all`,
  );

const tileError = `it must be auto, or a size from ${LIMITS.tileSidePxMin} to ${LIMITS.tileSidePxMax} pixels such as 128 or 256x128`;
const tile = z
  .string()
  .regex(/^(auto|\d{1,5}(x\d{1,5})?)$/, tileError)
  .refine(
    (value) =>
      value === 'auto' ||
      value
        .split('x')
        .every((side) => Number(side) >= LIMITS.tileSidePxMin && Number(side) <= LIMITS.tileSidePxMax),
    tileError,
  );

const percentError = 'it must be a percentage from 0% to 100%, such as 1%';
const verify = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,6})?%$/, percentError)
  .transform((value) => Number(value.slice(0, -1)) / 100)
  .refine((part) => part <= 1, percentError);

const timeError = `it must be a time with its unit from 1s to ${formatDurationMs(LIMITS.tileTimeLimitMsMax)}, such as 90s, 10m or 2h`;
const tileTimeout = z
  .string()
  .regex(DURATION_PATTERN, timeError)
  .transform(parseDurationMs)
  .refine((timeMs) => timeMs >= 1_000 && timeMs <= LIMITS.tileTimeLimitMsMax, timeError);

const environment = z
  .string()
  .min(1)
  .refine(
    (value) => (BUILT_IN_LIGHT as readonly string[]).includes(value) || /\.(hdr|exr)$/i.test(value),
    'it must be sky, white, none, auto, or a file that ends in .hdr or .exr',
  )
  .transform((value) => {
    const kind = BUILT_IN_LIGHT.find((builtIn) => builtIn === value);
    return kind === undefined ? { kind: 'file' as const, file: value } : { kind };
  });

const flagsSchema = z.object({
  frames: z.string().default(''),
  fps: decimal(0.001, 1000).default(0),
  size: size.default({ widthPx: 0, heightPx: 0 }),
  samples: whole(1, LIMITS.samplesMax).default(0),
  seed: whole(0, 0xffff_ffff).default(0),
  tile: tile.default('auto'),
  camera: name.optional(),
  scene: name.optional(),
  animation: name.optional(),
  env: environment.default({ kind: 'auto' }),
  exposure: decimal(-32, 32, ' (stops)').optional(),
  view: z.enum(VIEWS, { error: `it must be one of ${VIEWS.join(', ')}` }).optional(),
  layers: list(LAYER_NAMES).default([]),
  passes: list(LAYER_NAMES).default([]),
  format: list(OUTPUT_FORMATS).default([]),
  name: name.optional(),
  studio: z.string().regex(ID_PATTERN, 'it must be 1 to 128 characters of A-Z a-z 0-9 _ -').default(''),
  maxAttempts: whole(1, LIMITS.maxAttemptsMax).default(0),
  verify: verify.default(0),
  tileTimeout: tileTimeout.default(0),
  renderer: rendererNameSchema.optional(),
  rendererVersion: rendererVersionSchema.optional(),
  viewLayer: name.optional(),
  threadsPerSlot: whole(1, LIMITS.threadsPerSlotMax).default(0),
  device: z.enum(renderDeviceSchema.options, { error: 'it must be cpu or gpu' }).optional(),
  allowScripts: z.boolean().default(false),
  allowMissing: z.boolean().default(false),
  root: z.string().min(1, 'it must be a folder').optional(),
  cost: decimal(0, 3_600_000, ' (ms)').default(0),
  ...scheduleFields,
});

/** The range's own parser names the part that is wrong; here it only gets the flag's name in front. */
function checkFrames(frames: string): void {
  if (frames === '') return;
  try {
    parseFrameRange(frames);
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    throw new FarmError('USAGE_INVALID', `--${error.message}`, { flag: '--frames' }, { cause: error });
  }
}
