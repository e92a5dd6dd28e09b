/**
 * From what a scene says of itself to a job: its own values for what the request left out, and what stands in the way.
 * A pure function; the request has what the client asked for and has allowed.
 */
import { parseFrameRange } from '#shared/domain/frame-range.js';
import { needsAllFiles } from '#shared/domain/renderers.js';
import type { SceneFile, SceneInspection } from '#shared/domain/scene-inspection.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { SceneDefaults } from './scene-defaults.js';

export interface Allowed {
  /** Path of the scene file, for messages. */
  readonly entry: string;
  readonly camera?: string | undefined;
  readonly viewLayer?: string | undefined;
  readonly allowScripts?: boolean | undefined;
  readonly allowMissing?: boolean | undefined;
  readonly renderer?: string | undefined;
}

export interface ReadInspection {
  readonly defaults: SceneDefaults;
  readonly warnings: readonly string[];
}

/** Warnings travel in the job's record. */
const WARNINGS_MAX = 100;

/**
 * @throws SCENE_INVALID, SCENE_FILE_MISSING, SCENE_NEEDS_SCRIPTS, each naming the first and how many more;
 *         JOB_SPEC_INVALID for a camera or view layer that the scene does not have.
 */
export function readInspection(inspection: SceneInspection, allowed: Allowed): ReadInspection {
  const { entry } = allowed;
  const { problems, scripts, notices } = inspection;
  if (problems.length > 0) throw new FarmError('SCENE_INVALID', `${entry}: ${first(problems)}`);
  const lacking = inspection.files.filter(({ state }) => state !== 'found').map(describeFile);
  if (lacking.length > 0 && !allowed.allowMissing)
    throw new FarmError(
      'SCENE_FILE_MISSING',
      `${entry}: ${first(lacking)}; add what is missing to the package${needsAllFiles(allowed.renderer ?? '') ? '' : ', or insist (allow_missing)'}`,
    );
  if (scripts.length > 0 && !allowed.allowScripts)
    throw new FarmError(
      'SCENE_NEEDS_SCRIPTS',
      `${entry} needs ${first(scripts)}, which does not run unless it is asked for (allow_scripts) and the studio may`,
    );
  assertNamed('camera', allowed.camera, inspection.cameras, entry);
  assertNamed('view_layer', allowed.viewLayer, inspection.viewLayers, entry);
  return {
    defaults: defaultsOf(inspection, entry),
    warnings: [...notices, ...lacking].map(oneLine).slice(0, WARNINGS_MAX),
  };
}

function defaultsOf(inspection: SceneInspection, entry: string): SceneDefaults {
  const { frames, tile, widthPx, heightPx, samples, fps, camera, layers } = inspection;
  try {
    if (frames !== '') parseFrameRange(frames);
  } catch (error) {
    throw new FarmError(
      'SCENE_INVALID',
      `the frames of ${entry} are not usable (${messageOf(error)}); name frames`,
      {},
      { cause: error },
    );
  }
  return {
    frames: frames || '0',
    ...(tile !== '' && { tile }),
    ...(widthPx > 0 && heightPx > 0 && { widthPx, heightPx }),
    ...(samples > 0 && { samples }),
    ...(fps > 0 && { fps }),
    ...(camera !== '' && { camera }),
    ...(layers.length > 0 && { layers: [...new Set(layers)] }),
  };
}

function describeFile({ what, reference, state }: SceneFile): string {
  const how = state === 'missing' ? 'is missing' : 'is outside the package';
  return `${what} needs ${JSON.stringify(reference)}, which ${how}`;
}

function assertNamed(
  field: string,
  asked: string | undefined,
  known: readonly string[],
  entry: string,
): void {
  if (asked === undefined || known.length === 0 || known.includes(asked)) return;
  const shown = known.slice(0, 10).map((name) => JSON.stringify(name));
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `spec.settings.${field} is ${JSON.stringify(asked)}: ${entry} has ${shown.join(', ')}${known.length > shown.length ? ', …' : ''}`,
  );
}

function first(all: readonly string[]): string {
  const rest = all.length - 1;
  return `${oneLine(all[0]!)}${rest > 0 ? ` (and ${rest} more)` : ''}`;
}

/** What a scene says is other people's text. */
const oneLine = (text: string) =>
  text
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, LIMITS.nameCharsMax * 4);
