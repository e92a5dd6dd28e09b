/**
 * Looks into a POV-Ray scene: how it wants to be rendered, and which files it needs. The renderer itself reads it in a
 * folder that holds no file but those known so far; what it misses there is found in the studio's folder, linked, and the
 * scene read again, until it gets through. The text is searched first, so that few runs are needed.
 */
import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ProblemCode, SceneInspection } from '#shared/domain/scene-inspection.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS, LIMITS } from '#shared/limits.js';
import type { Installation, Sandbox } from '../program/program.js';
import { makeScratchFolder } from '../program/scratch.js';
import { libraryFolders } from './library-folders.js';
import { missingFile } from './log-fault.js';
import { iniNameOf, noCamera, readIniBeside } from './renderer.js';
import { PovrayFailure, runPovray } from './run-povray.js';
import { SceneFiles } from './scene-files.js';
import { animationOf, readComments, type SceneIni } from './scene-ini.js';
import { readEntry, readLibrary } from './scene-sources.js';
import { type SceneTraits, sceneTraits } from './scene-traits.js';

export interface PovrayInspectOptions {
  readonly sandbox: Sandbox;
  /** An empty folder is made in it and removed. */
  readonly scratchFolder: string;
  /** The scene may write files while it is read. */
  readonly allowScripts: boolean;
  /** Not needed: POV-Ray's scenes name files relative to themselves, and absolute names are told as problems. */
  readonly sourceRoot?: string;
  readonly timeLimitMs?: number;
  /**
   * On a client: of files outside of the folder it is told whether they are there. A node tells nobody what is on its
   * disk: each of them is `outside`.
   */
  readonly looksOutside?: boolean;
}

const TIME_LIMIT_MS = 120_000;
/** Each finds a file that the text does not name; more are hardly a scene. */
const RUNS_MAX = 200;
const MEMORY_BYTES_MAX = 4 * 1024 ** 3;
const TRIAL = { widthPx: 16, heightPx: 12, samples: 1, threads: 1, quality: 0, hasAlpha: false } as const;
const TRIAL_AREA = { x0: 0, y0: 0, x1: 2, y1: 2 };
/** POV-Ray's own for a scene that does not say (its povray.ini). */
const SIZE_DEFAULT = { widthPx: 800, heightPx: 600 };
/** A scene that is no animation: its clock is 0. */
const STILL = '0';

interface Look {
  readonly files: SceneFiles;
  readonly notices: string[];
  readonly problems: { readonly message: string; readonly code?: ProblemCode }[];
}

/**
 * @param scene    `folder`: below which files may lie; `entry`: relative to it.
 * @throws SCENE_FILE_MISSING, SCENE_INVALID when there is no such scene file at all.
 */
export async function inspectPovray(
  installation: Installation,
  scene: { readonly folder: string; readonly entry: string },
  options: PovrayInspectOptions,
): Promise<SceneInspection> {
  const { entry } = scene;
  const folder = resolve(scene.folder);
  const text = await readEntry(folder, entry);
  const libraries = libraryFolders(installation);
  const look: Look = {
    files: new SceneFiles(folder, entry, libraries, options.looksOutside ?? false),
    notices: [],
    problems: [],
  };
  await look.files.addText(entry, text);
  await look.files.addIfThere(iniNameOf(entry), 'settings file');
  const ini = { ...readComments(text), ...(await readIniBeside(folder, entry)) };
  const judge = async () =>
    sceneTraits(
      { path: entry, text },
      look.files.sources(),
      await readLibrary(look.files.sources(), libraries),
    );
  const mayRun = async () => options.allowScripts || (await judge()).writes.length === 0;
  if (!(await readByRenderer(installation, { folder, entry }, options, ini, look, mayRun)))
    look.notices.push(
      'it was not read by POV-Ray, since it writes files: only files that it names are known',
    );
  const traits = await judge();
  tellTraits(traits, ini, entry, look);
  return inspectionOf(installation, text, ini, traits, look);
}

/**
 * Runs the parser over the scene for its first and last frame.
 * @param mayRun  asked before each run, since files that are found may do what may not be done.
 * @returns false when it said no.
 */
async function readByRenderer(
  installation: Installation,
  { folder, entry }: { readonly folder: string; readonly entry: string },
  options: PovrayInspectOptions,
  sceneIni: SceneIni,
  { files, notices, problems }: Look,
  mayRun: () => Promise<boolean>,
): Promise<boolean> {
  const limitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
  const endAtMs = performance.now() + limitMs;
  const check = () => {
    if (performance.now() > endAtMs) throw new FarmError('TILE_TIME_LIMIT', 'reading takes too long');
  };
  const animation = animationOf(sceneIni);
  const frames = animation ? [animation.first, animation.last] : [0];
  const staged = await makeScratchFolder(options.scratchFolder, 'povray-scene');
  try {
    const read = async (frame: number) => {
      await stage(staged, folder, files.paths());
      await runPovray({
        installation,
        sandbox: options.sandbox,
        scene: { folder: staged, entry },
        readableFolders: [folder],
        scratchFolder: options.scratchFolder,
        memoryBytesMax: MEMORY_BYTES_MAX,
        options: { ...TRIAL, area: TRIAL_AREA, frame, fps: DEFAULTS.fps, sceneIni },
        check,
      });
    };
    for (let run = 0; run < RUNS_MAX && frames.length > 0; run++) {
      if (!(await mayRun())) return false;
      try {
        await read(frames[0]!);
        frames.shift();
      } catch (error) {
        if (error instanceof FarmError && error.code === 'TILE_TIME_LIMIT') {
          notices.push(
            `POV-Ray had not read it after ${Math.round(limitMs / 1000)} s (a loop without an end?): only files that it names are known`,
          );
          return true;
        }
        if (!(error instanceof PovrayFailure)) throw error;
        const missed = missingFile(error.log);
        if (missed !== undefined && (await files.addMissed(missed))) continue;
        // Missing files are told with the files; what comes after them is unknown.
        if (missed === undefined) problems.push({ message: error.message });
        return true;
      }
    }
    return true;
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** Links to the files known so far, where the package will have them. */
async function stage(staged: string, folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(staged, path)), { recursive: true });
    await symlink(join(folder, path), join(staged, path)).catch((error: NodeJS.ErrnoException) => {
      // Of the run before.
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

function tellTraits(
  traits: SceneTraits,
  ini: SceneIni,
  entry: string,
  { files, notices, problems }: Look,
): void {
  for (const message of sizeProblems(ini)) problems.push({ message, code: 'FRAME_TOO_LARGE' });
  if (!traits.hasCamera && traits.isComplete)
    problems.push({ message: noCamera(entry), code: 'CAMERA_MISSING' });
  for (const { path, reference, state } of files.files()) {
    if (state === 'found' && path === undefined)
      problems.push({
        message: `the name of ${JSON.stringify(reference)} cannot be one in a package: rename the file`,
      });
    if (state === 'found' && isAbsolute(reference))
      problems.push({
        message: `it names ${reference} by its absolute path, which nodes do not have: name it relative to the scene`,
      });
  }
  if (traits.history === 'run')
    notices.push(
      `pixels depend on those before them (${traits.historyReason}): tiles are cut from areas of 128x128 px, so tile sides that are multiples of 128 render nothing twice`,
    );
  if (traits.history === 'frame')
    notices.push(
      `pixels depend on the whole frame (${traits.historyReason}): each slot renders all of it for its tiles, so tiles are as large as the frame`,
    );
  if (!traits.hasAlpha)
    notices.push('it is for a version before 3.7: the background is kept, so the picture has no alpha');
  for (const reader of traits.clockReaders)
    notices.push(`it asks for the time (${reader}): where that shows, tiles do not fit together`);
  if (ini.samplingMethod !== undefined && ini.samplingMethod !== 2)
    notices.push(
      `anti-aliasing is by method 2 instead of ${ini.samplingMethod}, which differs at tile edges`,
    );
}

function inspectionOf(
  installation: Installation,
  text: string,
  ini: SceneIni,
  traits: SceneTraits,
  { files, notices, problems }: Look,
): SceneInspection {
  const animation = animationOf(ini);
  const cameras = traits.hasCamera ? ['camera'] : [];
  return {
    renderer: installation.name,
    rendererVersion: installation.version,
    savedWith: /#\s*version\s+(\d{1,4}(?:\.\d{1,4})?)/.exec(text)?.[1] ?? '',
    // Areas of 128x128 px, and what a side is cut down to the frame's.
    tile: traits.history === 'frame' ? '4096' : traits.history === 'run' ? '256' : '',
    frames: animation ? `${animation.first}-${animation.last}` : STILL,
    fps: DEFAULTS.fps,
    ...sizeOf(ini),
    samples: samplesOf(ini),
    scene: '',
    scenes: [],
    camera: cameras[0] ?? '',
    cameras,
    viewLayers: [],
    layers: ['beauty'],
    files: files.files(),
    notices,
    scripts: [...traits.writes],
    problems: problems.map(({ message }) => message),
    problemCodes: problems.map(({ code }) => code ?? ''),
  };
}

function sizeOf({ widthPx, heightPx }: SceneIni): { readonly widthPx: number; readonly heightPx: number } {
  const side = (px: number | undefined, fallback: number) =>
    px !== undefined && Number.isSafeInteger(px) && px >= 1 ? px : fallback;
  return {
    widthPx: side(widthPx, SIZE_DEFAULT.widthPx),
    heightPx: side(heightPx, SIZE_DEFAULT.heightPx),
  };
}

function sizeProblems(ini: SceneIni): string[] {
  const { widthPx, heightPx } = sizeOf(ini);
  const { frameSidePxMax: side, framePixelsMax: pixels } = LIMITS;
  if (widthPx <= side && heightPx <= side && widthPx * heightPx <= pixels) return [];
  return [
    `frames of ${widthPx}x${heightPx} px are larger than the farm takes (${side} px a side, ${pixels} px in all): name a smaller size`,
  ];
}

/** Depth d is 4^d samples of method 2 and d² of method 1. */
function samplesOf({ isAntialiased, antialiasDepth, samplingMethod }: SceneIni): number {
  if (isAntialiased === false) return 1;
  if (antialiasDepth === undefined) return DEFAULTS.samples;
  const depth = Math.min(8, Math.max(1, Math.round(antialiasDepth)));
  return samplingMethod === 2 ? 4 ** depth : depth ** 2;
}
