/**
 * Says whether two pictures are the same within a tolerance, where they differ, and by how much. Pure.
 *
 * The error of two values is |a − b| up to 1, and relative to the larger one above it: |a − b| ÷ max(1, |a|, |b|).
 * For display pictures (0 to 1) that is the plain difference; for scene-linear ones a highlight of 1000 may differ by
 * 1000 times as much as a midtone.
 */
import type { Picture } from './read-picture.js';

export interface PixelDifference {
  readonly x: number;
  readonly y: number;
  readonly channel: string;
  readonly a: number;
  readonly b: number;
  readonly error: number;
}

export type Comparison =
  /** Pictures that cannot be laid over each other. */
  | { readonly kind: 'unlike'; readonly reason: string }
  | {
      readonly kind: 'measured';
      readonly isSame: boolean;
      readonly pixelCount: number;
      readonly differingPixelCount: number;
      /** Over all samples; infinite where a NaN or an infinity stands against something else. */
      readonly maxError: number;
      readonly meanError: number;
      readonly rmsError: number;
      /** In reading order; absent when the pictures are the same. */
      readonly first?: PixelDifference;
      readonly worst?: PixelDifference;
      /** Largest error of each pixel's channels, row-major. */
      readonly pixelErrors: Float32Array;
    };

/**
 * @param maxError  largest error that passes; `'exact'`: equal numbers only, where NaN equals NaN (and nothing but in
 *                  `'exact'`).
 */
export function comparePictures(a: Picture, b: Picture, maxError: number | 'exact'): Comparison {
  const reason = whyUnlike(a, b);
  if (reason !== undefined) return { kind: 'unlike', reason };
  const pixelCount = a.widthPx * a.heightPx;
  const pixelErrors = new Float32Array(pixelCount);
  const isExact = maxError === 'exact';
  const sums = { error: 0, square: 0 };
  a.channels.forEach(({ values }, index) => {
    addErrors(values, b.channels[index]!.values, isExact, pixelErrors, sums);
  });
  const limit = isExact ? 0 : maxError;
  let [differingPixelCount, first, worst] = [0, -1, 0];
  for (let pixel = 0; pixel < pixelCount; pixel++) {
    const error = pixelErrors[pixel]!;
    if (error > pixelErrors[worst]!) worst = pixel;
    if (error <= limit) continue;
    differingPixelCount++;
    if (first < 0) first = pixel;
  }
  const sampleCount = pixelCount * a.channels.length;
  return {
    kind: 'measured',
    isSame: differingPixelCount === 0,
    pixelCount,
    differingPixelCount,
    maxError: pixelErrors[worst]!,
    meanError: sums.error / sampleCount,
    rmsError: Math.sqrt(sums.square / sampleCount),
    ...(first < 0
      ? {}
      : { first: differenceAt(a, b, first, isExact), worst: differenceAt(a, b, worst, isExact) }),
    pixelErrors,
  };
}

function whyUnlike(a: Picture, b: Picture): string | undefined {
  if (a.widthPx !== b.widthPx || a.heightPx !== b.heightPx) {
    return `the sizes differ: ${a.widthPx}x${a.heightPx} and ${b.widthPx}x${b.heightPx} px`;
  }
  if (a.x0 !== b.x0 || a.y0 !== b.y0) {
    return `the data windows start at different pixels: ${a.x0},${a.y0} and ${b.x0},${b.y0}`;
  }
  const [namesA, namesB] = [a, b].map((picture) => picture.channels.map(({ name }) => name).join(' '));
  return namesA === namesB ? undefined : `the channels differ: ${namesA} and ${namesB}`;
}

type Values = Float32Array | Uint32Array;

function addErrors(
  a: Values,
  b: Values,
  isExact: boolean,
  pixelErrors: Float32Array,
  sums: { error: number; square: number },
): void {
  for (let pixel = 0; pixel < pixelErrors.length; pixel++) {
    const error = errorOf(a[pixel]!, b[pixel]!, isExact);
    if (error === 0) continue;
    sums.error += error;
    sums.square += error * error;
    if (error > pixelErrors[pixel]!) pixelErrors[pixel] = error;
  }
}

function errorOf(a: number, b: number, isExact: boolean): number {
  if (a === b) return 0;
  const error = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
  if (error >= 0 && error < Number.POSITIVE_INFINITY) return error;
  if (isExact && Number.isNaN(a) && Number.isNaN(b)) return 0;
  return Number.POSITIVE_INFINITY;
}

/** The channel that differs most at a pixel. */
function differenceAt(a: Picture, b: Picture, pixel: number, isExact: boolean): PixelDifference {
  const differences = a.channels.map(({ name, values }, index): PixelDifference => {
    const [valueA, valueB] = [values[pixel]!, b.channels[index]!.values[pixel]!];
    return {
      x: a.x0 + (pixel % a.widthPx),
      y: a.y0 + Math.floor(pixel / a.widthPx),
      channel: name,
      a: valueA,
      b: valueB,
      error: errorOf(valueA, valueB, isExact),
    };
  });
  return differences.reduce((most, other) => (other.error > most.error ? other : most));
}
