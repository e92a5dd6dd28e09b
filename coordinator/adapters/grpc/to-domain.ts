/** Wire requests → domain values. Every field is checked here or by the schema it goes through; messages use proto names. */
import { z } from 'zod';
import type { InspectRequest } from '#shared/bus/messages.js';
import {
  digestSchema,
  type IdempotencyKey,
  idempotencyKeySchema,
  type Studio,
  studioSchema,
} from '#shared/domain/ids.js';
import { environmentSchema, JOB_STATES, type JobState } from '#shared/domain/job.js';
import {
  needsAllFiles,
  rendererNameSchema,
  rendererOfScene,
  rendererVersionSchema,
  SCENE_EXTENSIONS,
} from '#shared/domain/renderers.js';
import { type PackageManifest, packageManifestSchema } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS, LIMITS } from '#shared/limits.js';
import type { BlobRef__Output } from '#shared/wire/generated/guian/v1/BlobRef.js';
import type { InspectRequest__Output } from '#shared/wire/generated/guian/v1/InspectRequest.js';
import type { JobSpec__Output } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { PackageManifest__Output } from '#shared/wire/generated/guian/v1/PackageManifest.js';
import type { RenderSettings__Output } from '#shared/wire/generated/guian/v1/RenderSettings.js';
import { type JobDraft, parseField, type SettingsDraft } from '../../jobs/job-draft.js';
import { toPreviewSamples, toSchedule } from './to-schedule.js';

const nameSchema = z
  .string()
  .max(LIMITS.nameCharsMax)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'a name has no control characters');
const framesTextSchema = z.string().max(100_000);
/** As `FrameRecord.state` has them. */
const WIRE_FRAME_STATES = ['waiting', 'rendering', 'finished', 'failed'] as const;
const verifySchema = z.number().min(0).max(1);
/** As `--tile-timeout`: a second is what the shortest tiles need beside the machine's other work. */
const TILE_TIME_LIMIT_MS_MIN = 1_000;
const tileTimeLimitSchema = z
  .int()
  .max(LIMITS.tileTimeLimitMsMax)
  .refine(
    (limitMs) => limitMs === 0 || limitMs >= TILE_TIME_LIMIT_MS_MIN,
    `it must be 0 (a limit by what the job's tiles take), or from ${TILE_TIME_LIMIT_MS_MIN} to ${LIMITS.tileTimeLimitMsMax}`,
  );
const sourceRootSchema = z
  .string()
  .max(LIMITS.packagePathCharsMax)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'a folder has no control characters');
const maxAttemptsSchema = z.int().min(0).max(LIMITS.maxAttemptsMax);

export function toIdempotencyKey(text: string): IdempotencyKey {
  return parseField(idempotencyKeySchema, text, 'idempotency_key') as IdempotencyKey;
}

/** @throws JOB_SPEC_INVALID naming the field, the value and what is allowed. */
export function toJobDraft(spec: JobSpec__Output | null): JobDraft {
  if (!spec) throw new FarmError('JOB_SPEC_INVALID', 'spec is missing');
  const manifest = toManifest(spec.manifest, 'spec.manifest');
  const renderer = toRenderer(spec.settings?.renderer, manifest.entry, 'spec.settings.renderer');
  assertMayLack(spec.settings?.allowMissing ?? false, renderer);
  return {
    name: parseField(nameSchema, spec.name, 'spec.name') as string,
    studio: parseField(studioSchema, spec.studio || DEFAULTS.studio, 'spec.studio') as JobDraft['studio'],
    manifest,
    frames: parseField(framesTextSchema, spec.frames, 'spec.frames') as string,
    tile: parseField(nameSchema, spec.tile || 'auto', 'spec.tile') as string,
    settings: { ...(spec.settings && toSettings(spec.settings)), renderer },
    ...toVersion(spec.rendererVersion, 'spec.renderer_version'),
    maxAttempts: parseField(maxAttemptsSchema, spec.maxAttempts, 'spec.max_attempts') as number,
    verify: parseField(verifySchema, spec.verify, 'spec.verify') as number,
    tileTimeLimitMs: parseField(
      tileTimeLimitSchema,
      spec.tileTimeLimitMs,
      'spec.tile_time_limit_ms',
    ) as number,
    schedule: toSchedule(spec.schedule),
    previewSamples: toPreviewSamples(spec.schedule),
  };
}

/**
 * What a node is asked about a scene, and for whom.
 * @throws JOB_SPEC_INVALID naming the field, the value and what is allowed.
 */
export function toInspection(request: InspectRequest__Output): InspectRequest & { readonly studio: Studio } {
  const manifest = toManifest(request.manifest, 'manifest');
  return {
    manifest,
    renderer: toRenderer(request.renderer, manifest.entry, 'renderer'),
    ...toVersion(request.rendererVersion, 'renderer_version'),
    allowScripts: request.allowScripts,
    ...given('sourceRoot', toSourceRoot(request.sourceRoot, 'source_root')),
    studio: parseField(studioSchema, request.studio || DEFAULTS.studio, 'studio') as Studio,
  };
}

/** Empty: the scene file's extension says it. */
function toRenderer(name: string | undefined, entry: string, field: string): string {
  if (name) return parseField(rendererNameSchema, name, field) as string;
  const renderer = rendererOfScene(entry);
  if (renderer) return renderer;
  const shown = JSON.stringify(entry.slice(-100));
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `${field} is empty, and the name of the scene ${shown} tells none: it ends in ${SCENE_EXTENSIONS.join(', ')}, or the renderer is named`,
    { field },
  );
}

/** As `--allow-missing`. @throws JOB_SPEC_INVALID */
function assertMayLack(allowMissing: boolean, renderer: string): void {
  if (!allowMissing || !needsAllFiles(renderer)) return;
  const field = 'spec.settings.allow_missing';
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `${field} is true: POV-Ray stops at the first file that is not there; leave it out for a scene of ${renderer}`,
    { field },
  );
}

function toSourceRoot(text: string, field: string): string {
  return parseField(sourceRootSchema, text, field) as string;
}

function toVersion(version: string, field: string): { rendererVersion?: string } {
  return version === ''
    ? {}
    : { rendererVersion: parseField(rendererVersionSchema, version, field) as string };
}

function toManifest(manifest: PackageManifest__Output | null, field: string): PackageManifest {
  if (!manifest) throw new FarmError('JOB_SPEC_INVALID', `${field} is missing`);
  const files = manifest.files.map(({ path, digest, sizeBytes }) => ({ path, digest, sizeBytes }));
  return parseField(packageManifestSchema, { entry: manifest.entry, files }, field) as PackageManifest;
}

/** On the wire, 0 and empty mean "left out" (proto3 has no other sign for most fields). */
function toSettings(settings: RenderSettings__Output): SettingsDraft {
  return {
    ...given('widthPx', settings.widthPx),
    ...given('heightPx', settings.heightPx),
    ...given('samples', settings.samples),
    ...given('seed', settings.seed),
    ...given('fps', settings.fps),
    ...given('camera', settings.camera),
    ...given('scene', settings.scene),
    ...given('animation', settings.animation),
    ...given('view', settings.view),
    ...given('viewLayer', settings.viewLayer),
    ...given('threadsPerSlot', settings.threadsPerSlot),
    ...given('sourceRoot', toSourceRoot(settings.sourceRoot, 'spec.settings.source_root')),
    ...given('device', settings.device),
    ...(settings.allowScripts ? { allowScripts: true } : {}),
    ...(settings.allowMissing ? { allowMissing: true } : {}),
    ...(settings.environment ? { environment: toEnvironment(settings.environment) } : {}),
    ...(settings._exposureEv ? { exposureEv: settings.exposureEv! } : {}),
    ...(settings.layers.length > 0 ? { layers: [...new Set(settings.layers)] } : {}),
    ...(settings.formats.length > 0 ? { formats: [...new Set(settings.formats)] } : {}),
    ...(settings.synthetic ? { syntheticCostMs: settings.synthetic.costMsPerTile } : {}),
  };
}

function toEnvironment(environment: { kind: string; path: string }) {
  const value = environment.kind === 'file' ? environment : { kind: environment.kind || 'auto' };
  return parseField(environmentSchema, value, 'spec.settings.environment');
}

function given<Key extends string, Value extends string | number>(key: Key, value: Value) {
  return (value === 0 || value === '' ? {} : { [key]: value }) as { [K in Key]?: Value };
}

export function toFramesText(text: string): string {
  return parseField(framesTextSchema, text, 'frames') as string;
}

export interface BlobAddress {
  readonly digest: z.infer<typeof digestSchema>;
  readonly sizeBytes: number;
}
const sizeSchema = z.int().min(0).max(LIMITS.packageBytesMax);

export function toBlob(blob: BlobRef__Output | null, field: string): BlobAddress {
  if (!blob) throw new FarmError('JOB_SPEC_INVALID', `${field} is missing`);
  return {
    digest: toDigest(blob.digest, `${field}.digest`),
    sizeBytes: parseField(sizeSchema, blob.sizeBytes, `${field}.size_bytes`) as number,
  };
}

export function toDigest(text: string, field: string): BlobAddress['digest'] {
  return parseField(digestSchema, text, field) as BlobAddress['digest'];
}

export function toOffset(value: number, field: string): number {
  return parseField(sizeSchema, value, field) as number;
}

/** 0: the default. */
export function toPageSize(value: number, defaultSize: number, max: number): number {
  return (parseField(z.int().min(0).max(max), value, 'page_size') as number) || defaultSize;
}

/** Empty: all. */
export function toStateFilter(text: string): JobState | undefined {
  return text === '' ? undefined : (parseField(z.enum(JOB_STATES), text, 'state') as JobState);
}

/** Empty: all. */
export function toFrameStateFilter(text: string): string | undefined {
  return text === '' ? undefined : (parseField(z.enum(WIRE_FRAME_STATES), text, 'state') as string);
}
