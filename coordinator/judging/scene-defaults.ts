/**
 * What a scene says about how it wants to be rendered: `extras.guian` of its scene object. Whoever submits a job may
 * override each; frames fall back to the length of the animation.
 */
import type { GLTF } from '@gltf-transform/core';
import { z } from 'zod';
import { parseFrameRange } from '#shared/domain/frame-range.js';
import { VIEWS, type View } from '#shared/domain/job.js';
import type { LayerName } from '#shared/domain/layers.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { DEFAULTS, LIMITS } from '#shared/limits.js';

export interface SceneDefaults {
  /** Never absent: without a hint it is the whole animation, or frame 0. */
  readonly frames: string;
  /** Where it does not suit to cut frames anyhow. */
  readonly tile?: string | undefined;
  readonly widthPx?: number | undefined;
  readonly heightPx?: number | undefined;
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
  readonly fps?: number | undefined;
  readonly exposureEv?: number | undefined;
  readonly view?: View | undefined;
  readonly camera?: string | undefined;
  readonly animation?: string | undefined;
  readonly environment?: { readonly kind: 'auto' | 'sky' | 'white' | 'none' } | undefined;
  /** Of scenes that name their passes themselves (.blend). */
  readonly layers?: readonly LayerName[] | undefined;
}

const name = z.string().min(1).max(LIMITS.nameCharsMax);
const hintsSchema = z.object({
  frames: z.string().max(1000).optional(),
  size: z
    .string()
    .regex(/^\d{1,5}x\d{1,5}$/, 'must look like "320x180"')
    .optional(),
  samples: z.int().min(1).max(LIMITS.samplesMax).optional(),
  seed: z.int().min(0).max(0xffff_ffff).optional(),
  fps: z.number().min(0.001).max(1000).optional(),
  exposure: z.number().min(-32).max(32).optional(),
  view: z.enum(VIEWS).optional(),
  camera: name.optional(),
  animation: name.optional(),
  environment: z.enum(['auto', 'sky', 'white', 'none']).optional(),
});

/**
 * @param fps              that the user asked for, if any.
 * @param durationSeconds  of the animation that plays; null for a still.
 * @throws SCENE_INVALID naming the field of `extras.guian` that is wrong.
 */
export function sceneDefaults(
  json: GLTF.IGLTF,
  sceneIndex: number,
  fps: number | undefined,
  durationSeconds: (animation: string | undefined) => number | null,
): { readonly defaults: SceneDefaults; readonly warnings: readonly string[] } {
  const { hints, warnings } = readHints(json, sceneIndex);
  const { size, exposure, environment, frames, ...same } = hints;
  const sides = size?.split('x').map(Number);
  const range =
    frames ?? wholeAnimation(durationSeconds(hints.animation), fps ?? hints.fps ?? DEFAULTS.fps, warnings);
  return {
    defaults: {
      ...same,
      frames: range,
      ...(sides && { widthPx: sides[0]!, heightPx: sides[1]! }),
      ...(exposure !== undefined && { exposureEv: exposure }),
      ...(environment && { environment: { kind: environment } }),
    },
    warnings,
  };
}

function readHints(json: GLTF.IGLTF, sceneIndex: number) {
  const warnings: string[] = [];
  const extras = json.scenes?.[sceneIndex]?.extras?.['guian'];
  if (extras === undefined) return { hints: {} as z.infer<typeof hintsSchema>, warnings };
  const parsed = hintsSchema.safeParse(extras);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw wrong(issue.path.join('.'), issue.message);
  }
  const hints = parsed.data;
  const unknown = Object.keys(extras as object).filter((key) => !(key in hintsSchema.shape));
  if (unknown.length > 0)
    warnings.push(
      `extras.guian has unknown fields, which are ignored: ${unknown
        .slice(0, 5)
        .map((key) => key.slice(0, 40))
        .join(', ')} (known: ${Object.keys(hintsSchema.shape).join(', ')})`,
    );
  if (hints.frames !== undefined) {
    try {
      parseFrameRange(hints.frames);
    } catch (error) {
      throw wrong('frames', messageOf(error));
    }
  }
  const [width, height] = (hints.size ?? '1x1').split('x').map(Number) as [number, number];
  const isWrongSide = (side: number) => side < 1 || side > LIMITS.frameSidePxMax;
  if (isWrongSide(width) || isWrongSide(height) || width * height > LIMITS.framePixelsMax)
    throw wrong(
      'size',
      `${hints.size} is outside 1 to ${LIMITS.frameSidePxMax} px per side and ${LIMITS.framePixelsMax} pixels`,
    );
  return { hints, warnings };
}

function wholeAnimation(duration: number | null, fps: number, warnings: string[]): string {
  // Key times are float32: two seconds may be stored as 1.9999999.
  const last = duration === null ? 0 : Math.floor(duration * fps + 1e-4);
  if (last < 1) return '0';
  if (last < LIMITS.framesPerJobMax) return `0-${last}`;
  warnings.push(
    `the animation has ${last + 1} frames at ${fps} fps; the first ${LIMITS.framesPerJobMax} are rendered unless you name frames`,
  );
  return `0-${LIMITS.framesPerJobMax - 1}`;
}

function wrong(field: string, why: string): FarmError {
  return new FarmError(
    'SCENE_INVALID',
    `extras.guian${field ? `.${field}` : ''} of the scene is wrong: ${why.replace(/\s+/g, ' ').slice(0, 200)}; correct or remove it`,
    { field },
  );
}
