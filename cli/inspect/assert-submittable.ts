/** What stands in the way of a job: the scene's problems, files that are not there or that no package can hold, scripts. */
import type { ProblemCode, SceneFile, SceneInspection } from '#shared/domain/scene-inspection.js';
import { FarmError } from '#shared/errors.js';
import type { InspectedScene } from './inspected-scene.js';
import { mayBeSent } from './may-be-sent.js';
import { commonFolder, fileBelow, isWholeDisk, pathBelow } from './package-root.js';

/** What the user asked for or insists on. */
export interface Insisted {
  readonly allowScripts: boolean;
  readonly allowMissing: boolean;
  readonly camera?: string | undefined;
  readonly viewLayer?: string | undefined;
  readonly sceneName?: string | undefined;
  /** A size was given, so that the scene's own does not matter. */
  readonly hasSize: boolean;
}

const NAMED_MAX = 5;

/** Every obstacle, the most basic first; the first one's code and message are what a job is refused with. */
export function obstacles(inspected: InspectedScene, insisted: Insisted): FarmError[] {
  const { entry, inspection } = inspected;
  const problems = standingProblems(inspection, insisted);
  const found: FarmError[] = [];
  if (problems.length > 0)
    found.push(new FarmError('SCENE_INVALID', `${entry}: ${named(problems, problems.length)}`));
  found.push(...unknownNames(inspected, insisted));
  const unusable = inspection.files.filter(({ state, path }) => state === 'found' && path === undefined);
  if (unusable.length > 0)
    found.push(
      new FarmError(
        'SCENE_PATH_ESCAPES',
        `${entry}: ${listed(unusable)} cannot be named in a package; rename what has backslashes, control characters or more than 512 characters`,
      ),
    );
  if (insisted.allowMissing) return [...found, ...neededScripts(inspected, insisted)];
  const outside = inspection.files.filter(({ state }) => state === 'outside');
  if (outside.length > 0) found.push(outsideFiles(inspected, outside));
  const missing = inspection.files.filter(({ state }) => state === 'missing');
  if (missing.length > 0)
    found.push(
      new FarmError(
        'SCENE_FILE_MISSING',
        `${entry}: ${listed(missing)} ${missing.length === 1 ? 'is' : 'are'} missing; put ${missing.length === 1 ? 'it' : 'them'} there${orInsist(inspection)}`,
      ),
    );
  return [...found, ...neededScripts(inspected, insisted)];
}

/** @throws the first obstacle. */
export function assertSubmittable(inspected: InspectedScene, insisted: Insisted): void {
  const [first] = obstacles(inspected, insisted);
  if (first) throw first;
}

/** Without those that a flag has settled. */
export function standingProblems(
  { problems, problemCodes = [], camera, cameras }: SceneInspection,
  insisted: Pick<Insisted, 'hasSize' | 'camera'>,
): string[] {
  const namesCamera = camera === '' && insisted.camera !== undefined && cameras.includes(insisted.camera);
  const isSettled: Readonly<Record<ProblemCode, boolean>> = {
    FRAME_TOO_LARGE: insisted.hasSize,
    CAMERA_MISSING: namesCamera,
  };
  return problems.filter((_, index) => isSettled[problemCodes[index] as ProblemCode] !== true);
}

/** A wider `--root` may help, unless no folder but the whole disk holds scene and file. */
function outsideFiles(
  { entry, root, readBy, inspection }: InspectedScene,
  files: readonly SceneFile[],
): FarmError {
  const inRoot = fileBelow(root, entry);
  const verb = files.length === 1 ? 'is' : 'are';
  const isHopeless = files.some(({ reference }) => isWholeDisk(commonFolder([inRoot, reference])));
  if (readBy === 'node' && !isHopeless)
    return new FarmError(
      'SCENE_PATH_ESCAPES',
      `${entry}: ${listed(files)} ${verb} not sent to the node that asks for it: without --root DIR it gets what lies below the scene's folder, and files whose names stand in the scene (a compressed one shows none); name a --root DIR that holds them, copy such files beside the scene${orInsist(inspection)}`,
    );
  const wayOut = isHopeless ? '' : 'name a higher --root DIR that holds them, ';
  // Hidden ones, and links to what may not be sent: no folder that a package begins at helps.
  const guarded = files.filter(
    ({ reference }) =>
      (readBy !== 'node' && pathBelow(root, reference) !== undefined) ||
      (!isWholeDisk(commonFolder([inRoot, reference])) && !mayBeSent(reference, inRoot)),
  );
  if (guarded.length > 0)
    return new FarmError(
      'SCENE_PATH_ESCAPES',
      `${entry}: ${listed(guarded)} ${guarded.length === 1 ? 'is' : 'are'} not sent, since hidden folders outside of the scene's own, and links that lead there or to another disk, are private; if you trust the scene, copy such files beside it${orInsist(inspection)}`,
    );
  return new FarmError(
    'SCENE_PATH_ESCAPES',
    `${entry}: ${listed(files)} ${verb} outside of its package, which begins at ${root}${isHopeless ? ' and cannot be the whole disk' : ''}; ${wayOut}copy such files beside the scene, pack them into it${orInsist(inspection)}`,
  );
}

/** POV-Ray stops at the first file that is not there, whatever it is told. */
const orInsist = ({ renderer }: SceneInspection): string =>
  renderer === 'povray' ? '' : ', or insist with --allow-missing';

function neededScripts({ entry, inspection }: InspectedScene, { allowScripts }: Insisted): FarmError[] {
  const { scripts } = inspection;
  if (scripts.length === 0 || allowScripts) return [];
  return [
    new FarmError(
      'SCENE_NEEDS_SCRIPTS',
      `${entry} needs ${named(scripts, scripts.length)}, which does not run unless you allow it; if you trust the file: --allow-scripts`,
    ),
  ];
}

function unknownNames({ entry, inspection }: InspectedScene, insisted: Insisted): FarmError[] {
  const check = (flag: string, asked: string | undefined, known: readonly string[], what: string) =>
    asked === undefined || known.length === 0 || known.includes(asked)
      ? []
      : [
          new FarmError(
            'USAGE_INVALID',
            `${flag} "${asked}": ${entry} has no such ${what}; it has ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`,
          ),
        ];
  return [
    ...check('--scene', insisted.sceneName, inspection.scenes, 'scene'),
    ...check('--camera', insisted.camera, inspection.cameras, 'camera'),
    ...check('--view-layer', insisted.viewLayer, inspection.viewLayers, 'view layer'),
  ];
}

function listed(files: readonly SceneFile[]): string {
  return named(
    files
      .slice(0, NAMED_MAX)
      .map(({ what, path, reference }) => `${path ?? (reference || '(no file)')} (${what})`),
    files.length,
  );
}

/** The first five, and how many more. */
function named(texts: readonly string[], count: number): string {
  const shown = texts.slice(0, NAMED_MAX);
  return `${shown.join('; ')}${count > shown.length ? ` and ${count - shown.length} more` : ''}`;
}
