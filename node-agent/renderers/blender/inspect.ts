/**
 * What a .blend file needs and how it wants to be rendered, as Blender itself reads it: in a process of its own, in the
 * same walls as a renderer of tiles.
 */
import { rm, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import type { ProblemCode, SceneFile, SceneInspection } from '#shared/domain/scene-inspection.js';
import { isPackagePath } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { Installation, ProgramExit, Sandbox } from '../program/program.js';
import { makeScratchFolder } from '../program/scratch.js';
import { startProgram } from '../program/start-program.js';
import type { LocalScene } from '../renderer.js';
import { blenderRequest, readableLog } from './blender-command.js';
import { type InspectMessage, inspectMessageSchema } from './worker-messages.js';

const TIME_LIMIT_MS = 5 * 60_000;
/** Of the machine's memory: it is one beside the slots'. */
const MEMORY_PART_MAX = 0.5;

export interface InspectOptions {
  readonly sandbox: Sandbox;
  readonly scratchFolder: string;
  readonly allowScripts: boolean;
  readonly sourceRoot?: string;
  readonly timeLimitMs?: number;
  /**
   * On a client: of files outside of the folder it is told whether they are there. A node tells nobody what is on its
   * disk: each of them is `outside`, and folders and sequences there are one file each.
   */
  readonly looksOutside?: boolean;
  /** Scene inside the file; default: the one that it shows. */
  readonly sceneName?: string;
}

/**
 * @param scene  the package's root, or on a client the folder below which files may lie; `files[].path` is relative to it
 *               and does not list the scene file itself.
 * @throws SCENE_INVALID, SCENE_UNSUPPORTED, SCENE_FILE_MISSING when it cannot be opened at all; RENDER_FAILED,
 *         TILE_MEMORY_LIMIT, TILE_TIME_LIMIT.
 */
export async function inspectBlender(
  installation: Installation,
  scene: LocalScene,
  options: InspectOptions,
): Promise<SceneInspection> {
  const answer = await ask(installation, { ...scene, folder: resolve(scene.folder) }, options);
  if (answer.kind === 'failed') throw new FarmError(answer.code, answer.message);
  const { kind: _, ...inspection } = answer;
  const files = await Promise.all(
    inspection.files.map((file) => judged(file, options.looksOutside ?? false)),
  );
  const tooLarge = sizeProblems(inspection);
  const problems = [...tooLarge, ...inspection.problems];
  const sizeCodes = tooLarge.map((): ProblemCode => 'FRAME_TOO_LARGE');
  const problemCodes = [...sizeCodes, ...(inspection.problemCodes ?? [])];
  const { name: renderer, version: rendererVersion } = installation;
  return { ...inspection, files, problems, problemCodes, renderer, rendererVersion };
}

async function ask(
  installation: Installation,
  { folder, entry }: LocalScene,
  {
    sandbox,
    scratchFolder: parent,
    allowScripts,
    sourceRoot,
    sceneName,
    looksOutside = false,
    timeLimitMs = TIME_LIMIT_MS,
  }: InspectOptions,
): Promise<InspectMessage> {
  const scratchFolder = await makeScratchFolder(parent, 'blender-inspect');
  let timer: NodeJS.Timeout | undefined;
  try {
    let answer: InspectMessage | undefined;
    let isLate = false;
    const start = { installation, sandbox, script: 'inspect_scene.py', allowScripts, threads: 1 } as const;
    const memoryBytesMax = MEMORY_PART_MAX * totalmem();
    const program = startProgram({
      ...blenderRequest({ ...start, sceneFolder: folder, scratchFolder, memoryBytesMax }),
      onMessage: (message) => {
        answer = inspectMessageSchema.parse(message);
      },
    });
    timer = setTimeout(() => {
      isLate = true;
      program.kill();
    }, timeLimitMs);
    program.send({ folder, entry, allowScripts, sourceRoot, scene: sceneName, looksOutside });
    const exit = await program.exited;
    if (answer) return answer;
    if (isLate)
      throw new FarmError('TILE_TIME_LIMIT', `Blender did not read ${entry} within ${timeLimitMs} ms`);
    throw endError(entry, exit, readableLog(program.logTail()));
  } finally {
    clearTimeout(timer);
    await rm(scratchFolder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function endError(entry: string, { code, signal, excessBytes, reason }: ProgramExit, log: string): FarmError {
  if (excessBytes !== undefined)
    return new FarmError('TILE_MEMORY_LIMIT', `Blender took ${excessBytes} bytes to read ${entry}`);
  const how = reason ?? (signal ? `it ended by ${signal}` : `it ended with exit code ${code}`);
  const last = log.split('\n').at(-1)?.trim().slice(0, 300);
  return new FarmError(
    'RENDER_FAILED',
    `Blender could not read ${entry}: ${how}${last ? `; it said last: ${last}` : ''}`,
  );
}

function sizeProblems({ widthPx, heightPx }: Pick<SceneInspection, 'widthPx' | 'heightPx'>): string[] {
  const { frameSidePxMax: side, framePixelsMax: pixels } = LIMITS;
  if (widthPx <= side && heightPx <= side && widthPx * heightPx <= pixels) return [];
  return [
    `frames of ${widthPx}x${heightPx} px are larger than the farm takes (${side} px a side, ${pixels} px in all): name a smaller size`,
  ];
}

async function judged(file: SceneFile, looksOutside: boolean): Promise<SceneFile> {
  // Such a path is in no package, so it is to be renamed first.
  if (file.path !== undefined && !isPackagePath(file.path)) {
    const { path: _, ...rest } = file;
    return rest;
  }
  if (file.state !== 'outside' || !looksOutside) return file;
  const found = await stat(file.reference).catch(() => undefined);
  return found?.isFile() ? { ...file, sizeBytes: found.size } : { ...file, state: 'missing' };
}
