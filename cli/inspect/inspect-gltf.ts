/** What is in a glTF scene, as the coordinator will judge it: the same code, run here. */
import { stat } from 'node:fs/promises';
import { judgeScene } from '#coordinator/judging/judge-scene.js';
import { rendererOfScene } from '#shared/domain/renderers.js';
import type { SceneFile, SceneInspection } from '#shared/domain/scene-inspection.js';
import { FarmError } from '#shared/errors.js';
import { type TracedGltf, traceGltf } from '#shared/gltf/trace-dependencies.js';
import { DEFAULTS } from '#shared/limits.js';
import { readScene } from '../render/read-scene.js';
import type { InspectedScene, InspectQuestion } from './inspected-scene.js';
import { mayBeSentFromDisk } from './may-be-sent.js';
import { fileBelow, firstRoot, pathBelow } from './package-root.js';

const GENERATOR_CHARS_MAX = 64;

/** @throws SCENE_INVALID, SCENE_UNSUPPORTED, SCENE_PATH_ESCAPES when it is no glTF file at all. */
export async function inspectGltf({ scene, givenRoot, sceneName }: InspectQuestion): Promise<InspectedScene> {
  const root = firstRoot(scene, givenRoot);
  const entry = pathBelow(root, scene)!;
  const traced = traceGltf(entry, await readScene(scene));
  const files = await filesOf(traced, root, scene);
  const inspection = { ...namesOf(traced), ...(await judged(entry, scene, root, files, sceneName)), files };
  return { root, entry, inspection, readBy: 'guian' };
}

/** Each file once. */
async function filesOf({ dependencies }: TracedGltf, root: string, scene: string): Promise<SceneFile[]> {
  const byPath = new Map(dependencies.map((dependency) => [dependency.path, dependency]));
  return await Promise.all(
    [...byPath.values()].map(async ({ path, uri, what }): Promise<SceneFile> => {
      const file = fileBelow(root, path);
      const info = await stat(file).catch(() => undefined);
      const isThere = info?.isFile() === true;
      if (isThere && !(await mayBeSentFromDisk(file, scene)))
        return { reference: file, what, state: 'outside', sizeBytes: info.size };
      return {
        ...{ path, reference: uri.slice(0, 4096), what },
        state: isThere ? 'found' : 'missing',
        sizeBytes: isThere ? info.size : 0,
      };
    }),
  );
}

function namesOf({ json }: TracedGltf) {
  const nodes = json.nodes ?? [];
  const labels = nodes.flatMap((node) =>
    typeof node?.camera === 'number' ? [node.name ?? json.cameras?.[node.camera]?.name ?? ''] : [],
  );
  return {
    renderer: rendererOfScene('.gltf')!,
    rendererVersion: '',
    tile: '',
    savedWith: String(json.asset?.generator ?? '').slice(0, GENERATOR_CHARS_MAX),
    scenes: (json.scenes ?? []).map((scene, index) => scene.name ?? `#${index}`),
    cameras: labels.map((label, index) => label || `#${index}`),
    camera: '',
    viewLayers: [],
    layers: ['beauty' as const],
    scripts: [],
  };
}

type Judged = Pick<
  SceneInspection,
  'frames' | 'fps' | 'widthPx' | 'heightPx' | 'samples' | 'scene' | 'notices' | 'problems'
> & { readonly camera?: string };

/** Without all of its files nobody can say what else is wrong with it. */
async function judged(
  entry: string,
  scene: string,
  root: string,
  files: readonly SceneFile[],
  sceneName: string | undefined,
): Promise<Judged> {
  const unknown = { frames: '', fps: 0, widthPx: 0, heightPx: 0, samples: 0, scene: '', notices: [] };
  if (files.some(({ state }) => state !== 'found')) return { ...unknown, problems: [] };
  const paths = files.map(({ path }) => [path!, fileBelow(root, path!)]);
  try {
    const { defaults, summary, warnings } = await judgeScene({
      entry,
      files: { ...(Object.fromEntries(paths) as Record<string, string>), [entry]: scene },
      wanted: { scene: sceneName },
    });
    return {
      frames: defaults.frames,
      fps: defaults.fps ?? DEFAULTS.fps,
      widthPx: defaults.widthPx ?? DEFAULTS.widthPx,
      heightPx: defaults.heightPx ?? DEFAULTS.heightPx,
      samples: defaults.samples ?? DEFAULTS.samples,
      scene: summary.scene,
      ...(defaults.camera !== undefined && { camera: defaults.camera }),
      notices: [...warnings],
      problems: [],
    };
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return { ...unknown, problems: [error.message] };
  }
}
