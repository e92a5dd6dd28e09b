/** One run of POV-Ray, from its settings file to the picture's bytes, in a scratch folder that is gone afterwards. */
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import type { Installation, ProgramUse, RunningProgram, Sandbox } from '../program/program.js';
import { makeScratchFolder, readScratchFile } from '../program/scratch.js';
import { startProgram } from '../program/start-program.js';
import { languageVersion, libraryFolders } from './library-folders.js';
import { logFault, unwrapped } from './log-fault.js';
import { OUTPUT_NAME, type RunOptions, renderIni } from './render-ini.js';

const MIB = 1024 * 1024;
/** RGBA halves, and what zlib adds to noise; the state that it writes beside the picture is smaller. */
const OUTPUT_BYTES_PER_PX = 10;
const INI_NAME = 'run.ini';
const ASK_EVERY_MS = 50;

export interface PovrayRun {
  readonly installation: Installation;
  readonly sandbox: Sandbox;
  readonly scene: { readonly folder: string; readonly entry: string };
  /** What the scene's files are links to. */
  readonly readableFolders?: readonly string[];
  /** The run's own folder is made in it. */
  readonly scratchFolder: string;
  readonly memoryBytesMax: number;
  readonly options: Omit<RunOptions, 'input' | 'libraries'>;
  /** Asked every 50 ms; what it throws ends the run and is thrown. */
  readonly check: () => void;
}

export interface PovrayResult {
  /** The whole output file. */
  readonly file: Buffer;
  readonly use: ProgramUse;
}

/** A run that ended without a picture; `log` is the end of what it wrote, in lines of their own length. */
export class PovrayFailure extends FarmError {
  readonly log: string;
  readonly use: ProgramUse;

  constructor(error: FarmError, log: string, use: ProgramUse) {
    super(error.code, error.message, error.details, { cause: error.cause });
    this.log = log;
    this.use = use;
  }
}

/** @throws PovrayFailure: SCENE_…, TILE_MEMORY_LIMIT, RENDER_FAILED; and whatever `check` throws. */
export async function runPovray(run: PovrayRun): Promise<PovrayResult> {
  const scratchFolder = await makeScratchFolder(run.scratchFolder, 'povray');
  try {
    const program = await start(run, scratchFolder);
    const exit = await whileChecking(program, run.check);
    const use = program.use();
    const log = readableLog(program.logTail(), run.scene.entry);
    if (exit.code === 0) return { file: await readPicture(scratchFolder, run.options), use };
    throw new PovrayFailure(faultOf(exit, log, run.memoryBytesMax), log, use);
  } finally {
    await rm(scratchFolder, { recursive: true, force: true, maxRetries: 2 });
  }
}

async function start(run: PovrayRun, scratchFolder: string): Promise<RunningProgram> {
  const { installation, scene, options } = run;
  const libraries = libraryFolders(installation);
  const entry = join(scene.folder, scene.entry);
  // Links with plain names: POV-Ray takes no other characters than ASCII in its options.
  await symlink(entry, join(scratchFolder, 'scene.pov'));
  await symlink(dirname(entry), join(scratchFolder, 'beside'));
  await symlink(scene.folder, join(scratchFolder, 'package'));
  const names = { input: 'scene.pov', libraries: ['beside', 'package', ...libraries] };
  await writeFile(join(scratchFolder, INI_NAME), renderIni({ ...options, ...names }));
  await writeRestrictions(installation, scratchFolder, [
    scene.folder,
    ...(run.readableFolders ?? []),
    ...libraries,
  ]);
  const pixels = options.widthPx * options.heightPx;
  return startProgram({
    executable: installation.executable,
    args: [],
    // PWD: it takes the folder that it is in from there, and crashes when there is none.
    env: { POVINI: INI_NAME, PWD: scratchFolder, LC_ALL: 'C' },
    sandbox: run.sandbox,
    readableFolders: [scene.folder, ...(run.readableFolders ?? []), ...libraries.slice(0, 1)],
    scratchFolder,
    memoryBytesMax: run.memoryBytesMax,
    // Above its 128 MB for pictures, it keeps them in a file of 20 bytes per pixel.
    fileBytesMax: 64 * MIB + 3 * OUTPUT_BYTES_PER_PX * pixels,
  });
}

/**
 * POV-Ray's own restrictions: reads in the package and its library, writes in the run's folder, no other programs. 3.7 as
 * Debian has it does not hold to those on files (measured), so they are a second line behind the sandbox.
 */
async function writeRestrictions(
  installation: Installation,
  scratchFolder: string,
  readable: readonly string[],
): Promise<void> {
  const folder = join(scratchFolder, '.povray', languageVersion(installation));
  await mkdir(folder, { recursive: true });
  const quoted = (path: string) => (path.includes('"') ? `'${path}'` : `"${path}"`);
  const lines = [
    ...['[File I/O Security]', 'restricted', '[Shellout Security]', 'forbidden', '[Permitted Paths]'],
    ...readable.map((path) => `read* = ${quoted(path)}`),
    `read+write* = ${quoted(scratchFolder)}`,
  ];
  await writeFile(join(folder, 'povray.conf'), `${lines.join('\n')}\n`);
}

async function whileChecking(program: RunningProgram, check: () => void) {
  let failure: { readonly error: unknown } | undefined;
  const ask = () => {
    try {
      check();
    } catch (error) {
      failure ??= { error };
      program.kill();
    }
  };
  ask();
  const timer = setInterval(ask, ASK_EVERY_MS);
  try {
    const exit = await program.exited;
    if (failure) throw failure.error;
    return exit;
  } finally {
    clearInterval(timer);
  }
}

/** In an animation the frame's number is part of the name. */
async function readPicture(
  scratchFolder: string,
  { widthPx, heightPx }: PovrayRun['options'],
): Promise<Buffer> {
  const pattern = new RegExp(`^${OUTPUT_NAME.replace('.', '\\d*\\.')}$`);
  const name = (await readdir(scratchFolder)).find((candidate) => pattern.test(candidate));
  return readScratchFile(scratchFolder, name ?? OUTPUT_NAME, MIB + OUTPUT_BYTES_PER_PX * widthPx * heightPx);
}

function faultOf(exit: Awaited<RunningProgram['exited']>, log: string, memoryBytesMax: number): FarmError {
  if (exit.excessBytes !== undefined)
    return new FarmError(
      'TILE_MEMORY_LIMIT',
      `POV-Ray took ${exit.excessBytes} bytes where a slot has ${memoryBytesMax}: give slots more memory`,
    );
  if (exit.signal === null && exit.code !== null) {
    const known = logFault(log);
    if (known) return known;
  }
  const how =
    exit.reason ?? (exit.signal === null ? `ended with ${exit.code}` : `was ended by ${exit.signal}`);
  const line = log.split('\n').at(-1) ?? '';
  return new FarmError('RENDER_FAILED', `POV-Ray ${how}${line === '' ? '' : `: ${line.slice(0, 300)}`}`);
}

/** Without its authors and libraries, which it tells at each start; with the names that the package has for its files. */
function readableLog(log: string, entry: string): string {
  const end = log.lastIndexOf('Support libraries used by POV-Ray:');
  const own = end < 0 ? log : log.slice(end).replace(/^.*\n(?: .*\n)*/, '');
  return unwrapped(own)
    .replaceAll("'scene.pov'", `'${entry}'`)
    .replace(/'(?:beside|package)\//g, "'")
    .trim();
}
