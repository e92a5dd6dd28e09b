/**
 * Reads a scene with the program that is installed on this machine. It first sees the scene's own folder alone; files that
 * lie elsewhere make that folder wider, and the scene is read again, until everything that exists is inside.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Installation, Sandbox } from '#node-agent/renderers/program/program.js';
import type { SceneFile, SceneInspection } from '#shared/domain/scene-inspection.js';
import type { Interrupt } from '../process/interrupt.js';
import type { InspectedScene, InspectQuestion } from './inspected-scene.js';
import { mayBeSent, mayBeSentFromDisk } from './may-be-sent.js';
import { commonFolder, fileBelow, firstRoot, isWholeDisk, pathBelow } from './package-root.js';

/** Each brings at least one folder more; libraries of libraries are found one after the other. */
const ROUNDS_MAX = 20;

export interface ReadHere {
  readonly installation: Installation;
  readonly sandbox: Sandbox;
  readonly interrupt?: Interrupt | undefined;
}

/** @throws SCENE_INVALID and the like when it cannot be opened at all; USAGE_INVALID for a root that is none. */
export async function inspectHere(question: InspectQuestion, here: ReadHere): Promise<InspectedScene> {
  const { scene, givenRoot } = question;
  let root = firstRoot(scene, givenRoot);
  const scratchFolder = await mkdtemp(join(tmpdir(), 'guian-inspect-'));
  const clear = () => rmSync(scratchFolder, { recursive: true, force: true, maxRetries: 3 });
  // The second Ctrl-C ends us before the program.
  here.interrupt?.onSecond(clear);
  try {
    for (let round = 1; ; round++) {
      const inspection = await readOnce(question, root, scratchFolder, here);
      here.interrupt?.signal.throwIfAborted();
      const wider = givenRoot === undefined ? widened(root, scene, inspection.files) : root;
      if (wider === root || round === ROUNDS_MAX) {
        const files = await Promise.all(inspection.files.map((file) => asWeSeeIt(file, root, scene)));
        const entry = pathBelow(root, scene)!;
        return { root, entry, inspection: { ...inspection, files }, readBy: 'program' };
      }
      root = wider;
    }
  } finally {
    clear();
    here.interrupt?.onSecond(() => undefined);
  }
}

/** As high as the files that exist outside need; those that must not be sent are left where they are. */
function widened(root: string, scene: string, files: readonly SceneFile[]): string {
  let wider = root;
  for (const { state, reference } of files) {
    if (state !== 'outside' || !mayBeSent(reference, scene)) continue;
    const folder = commonFolder([fileBelow(wider, 'x'), scene, reference]);
    if (!isWholeDisk(folder)) wider = folder;
  }
  return wider;
}

async function readOnce(
  { scene, allowScripts, sceneName }: InspectQuestion,
  root: string,
  scratchFolder: string,
  { installation, sandbox }: ReadHere,
): Promise<SceneInspection> {
  const local = { folder: root, entry: pathBelow(root, scene)! };
  const options = { sandbox, scratchFolder, allowScripts, looksOutside: true };
  if (installation.name === 'povray') {
    const { inspectPovray } = await import('#node-agent/renderers/povray/inspect.js');
    return await inspectPovray(installation, local, options);
  }
  const { inspectBlender } = await import('#node-agent/renderers/blender/inspect.js');
  return await inspectBlender(installation, local, {
    ...options,
    ...(sceneName !== undefined && { sceneName }),
  });
}

/**
 * A link that leads out of the folder is dangling for a program inside the sandbox; for us it is a file. What must not be
 * sent is outside, wherever it lies.
 */
async function asWeSeeIt(file: SceneFile, root: string, scene: string): Promise<SceneFile> {
  const { path, ...rest } = file;
  if (path === undefined || file.state === 'outside') return file;
  const absolute = fileBelow(root, path);
  const info = await stat(absolute).catch(() => undefined);
  if (!info?.isFile() || (file.state === 'missing' && info.size === 0)) return file;
  if (!(await mayBeSentFromDisk(absolute, scene)))
    return { ...rest, reference: absolute, state: 'outside', sizeBytes: info.size };
  return file.state === 'missing' ? { ...file, state: 'found', sizeBytes: info.size } : file;
}
