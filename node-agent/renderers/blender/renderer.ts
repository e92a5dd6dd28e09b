/**
 * Blender's Cycles as a renderer of the farm: border tiles of persistent Blender processes, on the CPU, bit for bit those
 * of the whole frame. What would break that promise (adaptive sampling, denoising, path guiding, compositing) is off.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import type { Installation, Sandbox } from '../program/program.js';
import type { FrameRequest, PreparedFrame, Renderer, Session, SessionContext } from '../renderer.js';
import { BlenderSession } from './session.js';

/** The renderer that one installed Blender is. */
export function blenderRenderer(installation: Installation, sandbox: Sandbox): Renderer {
  return {
    name: installation.name,
    version: installation.version,
    /** Only what costs nothing: to open the scene here would take as long as its first tile, for each frame again. */
    async prepare({ scene }: FrameRequest): Promise<PreparedFrame> {
      const found = await stat(join(scene.folder, scene.entry)).catch(() => undefined);
      if (!found?.isFile()) throw new FarmError('SCENE_FILE_MISSING', `there is no ${scene.entry}`);
      if (found.size === 0) throw new FarmError('SCENE_INVALID', `${scene.entry} is empty: save it again`);
      return null;
    },
    async open(context: SessionContext): Promise<Session> {
      return new BlenderSession(installation, sandbox, context);
    },
  };
}
