/** How a Blender of ours is started: which script, which walls, which surroundings; the same for tiles and inspections. */
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gpuTypeOf } from '#shared/domain/render-device.js';
import { LIMITS } from '#shared/limits.js';
import type { Installation, ProgramRequest, Sandbox } from '../program/program.js';
import { cyclesEnvironment } from './cycles-version.js';

/** An uncompressed float EXR with every pass of the largest tile is 2 GiB. */
export const PICTURE_BYTES_MAX = 4 * LIMITS.tileSidePxMax ** 2 * 32;

export type BlenderScript = 'worker.py' | 'inspect_scene.py' | 'probe.py';

export interface BlenderStart {
  readonly installation: Installation;
  readonly sandbox: Sandbox;
  readonly script: BlenderScript;
  /** What follows `--`. */
  readonly args?: readonly string[];
  readonly allowScripts: boolean;
  readonly threads: number;
  /** Read-only for it. */
  readonly sceneFolder?: string;
  readonly scratchFolder: string;
  readonly memoryBytesMax: number;
}

export function blenderRequest(start: BlenderStart): Omit<ProgramRequest, 'onMessage'> {
  const script = fileURLToPath(new URL(`./${start.script}`, import.meta.url));
  const { scratchFolder } = start;
  const { version } = start.installation;
  // More than the machine has only cost memory, and a client may ask for any number.
  const threads = Math.min(start.threads, availableParallelism());
  return {
    executable: start.installation.executable,
    args: [
      ...['-b', '--factory-startup', '-noaudio', '-t', String(threads)],
      ...[start.allowScripts ? '-y' : '-Y', '--python-exit-code', '3', '-P', script],
      ...['--', ...(start.args ?? [])],
    ],
    // Its home is the scratch folder: nothing of a user's is read, nothing is left behind.
    env: { ...cyclesEnvironment(version), LANG: 'C.UTF-8' },
    sandbox: start.sandbox,
    usesGpus: start.script === 'probe.py' || gpuTypeOf(version) !== undefined,
    readableFolders: [dirname(script), ...(start.sceneFolder === undefined ? [] : [start.sceneFolder])],
    scratchFolder,
    memoryBytesMax: start.memoryBytesMax,
    fileBytesMax: PICTURE_BYTES_MAX,
  };
}

/** What a person wants to see of Blender's log: not its progress, of which there are dozens of lines per tile. */
export function readableLog(log: string): string {
  const lines = log.split('\n');
  // The tail begins in the middle of a line.
  if (log.length >= LIMITS.logTailCharsMax) lines.shift();
  return lines
    .filter((line) => line.trim() !== '' && !/^(Fra:-?\d|Saved: | ?Time: |Read blend: )/.test(line))
    .join('\n');
}
