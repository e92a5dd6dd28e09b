/**
 * POV-Ray as a renderer of the farm: one process per tile by its partial render options, on one thread, bit for bit the
 * whole frame. What a tile must not decide for itself (which areas are rendered together, alpha, the clock's range) is
 * found in the scene's text when a frame is prepared.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import type { Installation, Sandbox } from '../program/program.js';
import type { FrameRequest, Renderer, Session, SessionContext } from '../renderer.js';
import { libraryFolders } from './library-folders.js';
import { readSceneIni, type SceneIni } from './scene-ini.js';
import { readSceneTraits } from './scene-sources.js';
import type { SceneTraits } from './scene-traits.js';
import { PovraySession, type PreparedPovray } from './session.js';

/** Frames of a few jobs at a time. */
const SCENES_KEPT = 16;
const INI_BYTES_MAX = 1024 * 1024;

/** The renderer that one installed POV-Ray is. */
export function povrayRenderer(installation: Installation, sandbox: Sandbox): Renderer {
  const known = new Map<string, Promise<PreparedPovray>>();
  return {
    name: installation.name,
    version: installation.version,
    /** Reads the scene's text, once for all frames. @throws SCENE_…, also for a file that it writes without leave. */
    async prepare({ scene, settings }: FrameRequest): Promise<PreparedPovray> {
      const prepared = await remembered(known, await keyOf(scene.folder, scene.entry), async () => ({
        traits: await readSceneTraits(scene.folder, scene.entry, libraryFolders(installation)),
        ini: await readIniBeside(scene.folder, scene.entry),
      }));
      checkTraits(prepared.traits, scene.entry, settings.allowScripts);
      return prepared;
    },
    async open(context: SessionContext): Promise<Session> {
      return new PovraySession(installation, sandbox, context);
    },
  };
}

/** @throws SCENE_INVALID, SCENE_PATH_ESCAPES, SCENE_NEEDS_SCRIPTS. */
function checkTraits(traits: SceneTraits, entry: string, allowScripts: boolean): void {
  if (!traits.hasCamera && traits.isComplete) throw new FarmError('SCENE_INVALID', noCamera(entry));
  const [escaping] = traits.escapes;
  if (escaping !== undefined)
    throw new FarmError(
      'SCENE_PATH_ESCAPES',
      `the scene names a file outside of its package (${escaping}): put it beside the scene and name it relative to that`,
    );
  const [written] = traits.writes;
  if (written !== undefined && !allowScripts)
    throw new FarmError(
      'SCENE_NEEDS_SCRIPTS',
      `the scene writes files while it is read (${written}): allow scripts for the studio, or take it out`,
    );
}

export const noCamera = (entry: string): string =>
  `${entry} has no camera, and POV-Ray's own would be taken without a word: add one`;

/** Settings of the picture beside the scene: `shot.ini` for `shot.pov`, where there is such a file. @throws SCENE_INVALID. */
export async function readIniBeside(folder: string, entry: string): Promise<SceneIni> {
  const name = iniNameOf(entry);
  try {
    const { size } = await stat(join(folder, name));
    if (size > INI_BYTES_MAX)
      throw new FarmError('SCENE_INVALID', `${name} is no settings file with its ${size} bytes: rename it`);
    return readSceneIni(await readFile(join(folder, name), 'latin1'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

export const iniNameOf = (entry: string): string => entry.replace(/\.[^./]*$/, '').concat('.ini');

async function keyOf(folder: string, entry: string): Promise<string> {
  const found = await stat(join(folder, entry)).catch(() => undefined);
  return JSON.stringify([folder, entry, found?.mtimeMs, found?.size]);
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = known.get(key) ?? make();
  known.delete(key);
  known.set(key, value);
  value.catch(() => known.delete(key));
  for (const old of known.keys()) {
    if (known.size <= SCENES_KEPT) break;
    known.delete(old);
  }
  return value;
}
