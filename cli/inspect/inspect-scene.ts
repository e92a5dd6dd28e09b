/**
 * Who reads a scene: our own code for glTF, the program on this machine, or a node of the farm where there is no such
 * program here, or not the version that is wanted.
 */

import { isProgram } from '#shared/domain/renderers.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { connectCoordinator } from '#shared/wire/coordinator-client.js';
import type { Interrupt } from '../process/interrupt.js';
import type { InspectedScene, InspectQuestion } from './inspected-scene.js';
import type { ProgramName } from './installed-programs.js';

export interface InspectWith extends InspectQuestion {
  readonly renderer: string;
  /** Exactly this one; absent: what there is. */
  readonly rendererVersion?: string | undefined;
  /** Empty: the default one. */
  readonly studio: string;
  /** `host:port` of a farm that may be asked; absent: this machine alone. */
  readonly coordinator?: string | undefined;
  /** A node reads it even where the program is here. */
  readonly onFarm?: boolean | undefined;
  /** Ends it; absent: nobody does. */
  readonly interrupt?: Interrupt | undefined;
}

/** @throws TOOL_MISSING, RENDERER_MISSING when nobody can read it, and what the reader says of a broken scene. */
export async function inspectScene(wanted: InspectWith): Promise<InspectedScene> {
  const { renderer } = wanted;
  if (renderer === 'gltf') return (await import('./inspect-gltf.js')).inspectGltf(wanted);
  if (!isProgram(renderer))
    throw new FarmError(
      'USAGE_INVALID',
      `--renderer "${renderer}": only scenes of gltf, blender and povray can be looked into`,
    );
  if (wanted.coordinator !== undefined && wanted.onFarm) return await onFarm(wanted, wanted.coordinator);
  return await here(wanted, renderer);
}

/** With this machine's program; what it cannot do is asked of the farm, if there is one. */
async function here(wanted: InspectWith, name: ProgramName): Promise<InspectedScene> {
  const { installedPrograms, chooseInstallation, sandboxHere } = await import('./installed-programs.js');
  try {
    const [installed, sandbox] = await Promise.all([installedPrograms([name]), sandboxHere()]);
    const installation = chooseInstallation(name, wanted.rendererVersion, installed);
    const { inspectHere } = await import('./inspect-here.js');
    return await inspectHere(wanted, {
      installation,
      sandbox,
      interrupt: wanted.interrupt,
    });
  } catch (error) {
    const { coordinator } = wanted;
    if (coordinator === undefined || !(error instanceof FarmError) || !canFarmHelp(error)) throw error;
    return await onFarm(wanted, coordinator).catch((cause: unknown) => {
      if (!(cause instanceof FarmError)) throw cause;
      // The farm may lack the version as well; of the program itself it is the farm that the user asks.
      const isNeither = error.code === 'RENDERER_MISSING' && cause.code === 'RENDERER_MISSING';
      if (!isNeither && cause.code !== 'COORDINATOR_UNAVAILABLE') throw cause;
      const farmSays = isNeither ? 'the farm cannot read it either' : 'no farm could be asked either';
      throw new FarmError(error.code, `${error.message}; ${farmSays}: ${messageOf(cause)}`, {}, { cause });
    });
  }
}

/** A newer file than the program here, or no such program. */
const canFarmHelp = ({ code }: FarmError): boolean =>
  code === 'TOOL_MISSING' || code === 'RENDERER_MISSING' || code === 'SCENE_UNSUPPORTED';

async function onFarm(wanted: InspectWith, coordinator: string): Promise<InspectedScene> {
  const { inspectOnFarm } = await import('./inspect-on-farm.js');
  await using farm = connectCoordinator(coordinator);
  const { renderer, rendererVersion = '', studio, sceneName } = wanted;
  const inspected = await inspectOnFarm(wanted, {
    ...{ farm, renderer, rendererVersion, studio },
    signal: wanted.interrupt?.signal ?? new AbortController().signal,
  });
  if (sceneName !== undefined && inspected.inspection.scene !== sceneName && renderer === 'blender')
    throw new FarmError(
      'USAGE_INVALID',
      `--scene "${sceneName}": a node looks into the scene that the file shows, "${inspected.inspection.scene}"; save it with the other one shown, or run guian where Blender is installed`,
    );
  return inspected;
}
