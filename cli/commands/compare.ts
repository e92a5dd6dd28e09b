/** `guian compare A B`: are two pictures the same? For pipelines that must notice when a rendered picture changes. */
import { Command } from 'commander';
import { FarmError } from '#shared/errors.js';
import { type Comparison, comparePictures, type PixelDifference } from '../compare/compare-pictures.js';
import { writeHeatMap } from '../compare/heat-map.js';
import { type Picture, readPicture } from '../compare/read-picture.js';
import { DEFAULT_TOLERANCE, parseTolerance } from '../compare/tolerance.js';

interface CompareOptions {
  readonly maxError?: string;
  readonly exact?: boolean;
  readonly diff?: string;
  readonly json?: boolean;
}

interface Allowed {
  readonly maxError: number | 'exact';
  /** As it was asked for. */
  readonly text: string;
}

const EXPLANATION = `
The error of two values is |a - b| up to 1, and relative above: |a - b| / max(1, |a|, |b|).
Display pictures (PNG, TIFF, JPEG, WebP) count from 0 to 1, EXR in scene-linear values, all its channels.
NaN equals NaN only with --exact. Pictures of different size or with different channels differ.

Exit codes: 0 the same, 1 different, 2 wrong use or a picture that cannot be read.`;

export function compareCommand(): Command {
  return new Command('compare')
    .summary('compare two pictures; exit code 1 where they differ')
    .description(
      'Compare two pictures (EXR, PNG of 8 or 16 bits, TIFF, JPEG, WebP): where they differ, and by how much.',
    )
    .argument('<a>', 'the picture that is right')
    .argument('<b>', 'the picture to judge')
    .option(
      '--max-error <number>',
      `largest error that passes, a number or a fraction (default: ${DEFAULT_TOLERANCE})`,
    )
    .option('--exact', 'every value must be equal')
    .option('--diff <file.png>', 'write a picture of the differences, if there are any')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXPLANATION)
    .action(runCompare);
}

async function runCompare(pathA: string, pathB: string, options: CompareOptions): Promise<void> {
  if (options.diff !== undefined && !/\.png$/i.test(options.diff)) {
    throw new FarmError(
      'USAGE_INVALID',
      `--diff "${options.diff}": the picture is a PNG; give it a name that ends in .png`,
    );
  }
  const allowed = allowedError(options);
  const [a, b] = await Promise.all([readPicture(pathA), readPicture(pathB)]);
  if (a.kind !== b.kind) {
    const [scene, display] = a.kind === 'scene' ? [pathA, pathB] : [pathB, pathA];
    throw new FarmError(
      'USAGE_INVALID',
      `${scene} is scene-linear and ${display} is made for a display; compare EXR with EXR, or PNG with PNG`,
    );
  }
  const comparison = comparePictures(a, b, allowed.maxError);
  const isSame = comparison.kind === 'measured' && comparison.isSame;
  let diff: string | undefined;
  if (options.diff !== undefined && comparison.kind === 'measured' && !isSame) {
    diff = options.diff;
    const limit = allowed.maxError === 'exact' ? 0 : allowed.maxError;
    await writeHeatMap(diff, a, comparison.pixelErrors, limit);
  }
  const text = options.json
    ? asJson(a, b, comparison, allowed, diff)
    : asText(a, b, comparison, allowed, diff);
  process.stdout.write(`${text}\n`);
  process.exitCode = isSame ? 0 : 1;
}

function allowedError(options: CompareOptions): Allowed {
  if (options.exact && options.maxError !== undefined) {
    throw new FarmError('USAGE_INVALID', '--exact and --max-error exclude each other; give one of them');
  }
  if (options.exact) return { maxError: 'exact', text: 'nothing' };
  const text = options.maxError ?? DEFAULT_TOLERANCE;
  return { maxError: parseTolerance(text), text };
}

function asText(
  a: Picture,
  b: Picture,
  comparison: Comparison,
  allowed: Allowed,
  diff: string | undefined,
): string {
  if (comparison.kind === 'unlike') return `different: ${a.path} and ${b.path}: ${comparison.reason}`;
  const { maxError, meanError, rmsError } = comparison;
  const errors = `max ${short(maxError)}, mean ${short(meanError)}, RMS ${short(rmsError)}`;
  if (comparison.isSame) {
    const size = `${a.widthPx}x${a.heightPx} px, channels ${a.channels.map(({ name }) => name).join(' ')}`;
    return `same: ${a.path} and ${b.path} (${size}; error ${errors}; allowed ${allowed.text})`;
  }
  const { differingPixelCount, pixelCount } = comparison;
  const percent = short((100 * differingPixelCount) / pixelCount);
  return [
    `different: ${a.path} and ${b.path}: ${differingPixelCount} of ${pixelCount} pixels (${percent} %) differ by more than ${allowed.text}`,
    `  first: ${describe(comparison.first!)}`,
    `  worst: ${describe(comparison.worst!)}`,
    `  error: ${errors}`,
    ...(diff === undefined ? [] : [`  picture of the differences: ${diff}`]),
  ].join('\n');
}

function asJson(
  a: Picture,
  b: Picture,
  comparison: Comparison,
  allowed: Allowed,
  diff: string | undefined,
): string {
  const shape = { a: a.path, b: b.path, maxErrorAllowed: allowed.maxError };
  if (comparison.kind === 'unlike')
    return JSON.stringify({ isSame: false, ...shape, reason: comparison.reason });
  const { kind: _kind, pixelErrors: _pixelErrors, isSame, ...numbers } = comparison;
  const result = { isSame, ...shape, widthPx: a.widthPx, heightPx: a.heightPx, ...numbers, diff };
  // JSON has no NaN and no infinity; as text they are at least told apart.
  return JSON.stringify(result, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

function describe({ x, y, channel, a, b, error }: PixelDifference): string {
  return `pixel ${x},${y} channel ${channel}: ${long(a)} and ${long(b)} (error ${short(error)})`;
}

const short = (value: number): string => String(Number(value.toPrecision(3)));
const long = (value: number): string => String(Number(value.toPrecision(7)));
