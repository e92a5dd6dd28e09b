/**
 * Which renderers are installed here, and in which build. Each program is asked itself; its label pins a job, so it names
 * whatever changes pixels: version, build, for Blender the processor kernel that the renderer holds it to (one label for
 * each that this processor can run), the C library, whose functions the program computes with, and POV-Ray's include
 * files.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { messageOf } from '#shared/errors.js';
import { kernelsFor } from '../blender/cycles-version.js';
import { libraryFolders } from '../povray/library-folders.js';
import { findOnPath, whyNotExecutable } from './find-on-path.js';
import type { Installation } from './program.js';
import { startProgram } from './start-program.js';

export interface BrokenInstallation {
  readonly name: string;
  readonly executable: string;
  /** One line. */
  readonly reason: string;
}

export interface FoundInstallations {
  readonly installations: Installation[];
  readonly broken: BrokenInstallation[];
}

type ProgramName = 'blender' | 'povray';

const VERSION_MS_MAX = 20_000;
const GIB = 1024 ** 3;
/** Of the 128 of `rendererVersionSchema`; the rest is for the digest of what it computes. */
const LABEL_CHARS_MAX = 112;
const BUILD_DIGITS = 12;

/** What a program prints for --version, and what to add to its build. */
const PROGRAMS = {
  blender: {
    version: /^Blender (\d+(?:\.\d+)+)/m,
    build: /^\s*build hash:\s*([0-9a-f]{6,40})\s*$/m,
  },
  povray: { version: /POV-Ray (\d+(?:\.\d+)+)/, build: undefined },
} as const;

/**
 * @param paths  absolute paths of executables, for each program; an empty list: the one of that name on PATH, if there is
 *               one; a program that is left out is not looked for.
 * @param options  `timeLimitMs`: for each program to tell its version.
 * @returns      those that work, in the order given, each build once; and those that do not, with the reason.
 */
export async function findInstallations(
  paths: Readonly<Partial<Record<ProgramName, readonly string[]>>>,
  { timeLimitMs = VERSION_MS_MAX } = {},
): Promise<FoundInstallations> {
  const names: readonly ProgramName[] = ['blender', 'povray'];
  const asked = await Promise.all(
    names.flatMap((name) =>
      candidates(name, paths[name]).map((executable) => ask(name, executable, timeLimitMs)),
    ),
  );
  const installations = new Map<string, Installation>();
  const broken: BrokenInstallation[] = [];
  for (const answer of asked) {
    if ('reason' in answer) broken.push(answer);
    else for (const one of answer) if (!installations.has(key(one))) installations.set(key(one), one);
  }
  return { installations: [...installations.values()], broken };
}

/** e.g. `glibc2.36` */
function cLibrary(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ? `glibc${header.glibcVersionRuntime}` : 'libc';
}

const key = ({ name, version }: Installation) => `${name} ${version}`;

function candidates(name: ProgramName, configured: readonly string[] | undefined): readonly string[] {
  if (!configured) return [];
  if (configured.length > 0) return [...new Set(configured)];
  const found = findOnPath(name);
  return found ? [found] : [];
}

async function ask(
  name: ProgramName,
  executable: string,
  timeLimitMs: number,
): Promise<Installation[] | BrokenInstallation> {
  const broken = (reason: string) => ({ name, executable, reason });
  if (!isAbsolute(executable)) return broken(`${executable} is not an absolute path`);
  const problem = whyNotExecutable(executable);
  if (problem) return broken(problem);
  try {
    const output = await versionOutput(executable, timeLimitMs);
    const { version, build } = PROGRAMS[name];
    const number = version.exec(output)?.[1];
    if (!number) return broken(`--version tells no ${name} version: ${firstLine(output)}`);
    const hash = build?.exec(output)?.[1] ?? (await fileDigest(executable));
    const library = await includeDigest({ name, version: number, executable });
    const labels = kernels(name).map(
      (kernel) => `${number}+${hash.slice(0, BUILD_DIGITS)}${kernel}${library}.${cLibrary()}`,
    );
    if (labels.some((label) => label.length > LABEL_CHARS_MAX))
      return broken(`its version is longer than ${LABEL_CHARS_MAX} characters`);
    return labels.map((label) => ({ name, version: label, executable }));
  } catch (error) {
    return broken(messageOf(error));
  }
}

/** The fastest first. */
function kernels(name: ProgramName): readonly string[] {
  if (name !== 'blender') return [''];
  if (process.arch !== 'x64') return [`.${process.arch}`];
  return kernelsFor(processorFlags()).map((kernel) => `.${kernel}`);
}

/** Empty where the kernel does not tell: then the least is taken. */
function processorFlags(): ReadonlySet<string> {
  let text = '';
  try {
    text = readFileSync('/proc/cpuinfo', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/));
}

/** @throws Error with one line when it cannot be started, takes too long, or fails. */
async function versionOutput(executable: string, timeLimitMs: number): Promise<string> {
  const scratchFolder = await mkdtemp(join(tmpdir(), 'guian-version-'));
  // What the admin installed is asked as it is; its sandbox is for what scenes make of it.
  const program = startProgram({
    executable,
    args: ['--version'],
    sandbox: 'none',
    readableFolders: [],
    scratchFolder,
    memoryBytesMax: GIB,
    fileBytesMax: 0,
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    program.kill();
  }, timeLimitMs);
  try {
    program.end();
    const { code, signal, reason } = await program.exited;
    if (isLate) throw new Error(`--version did not end within ${timeLimitMs / 1000} s`);
    if (reason !== undefined) throw new Error(reason);
    const output = program.logTail();
    if (code !== 0) throw new Error(`--version ended with ${code ?? signal}: ${firstLine(output)}`);
    return output;
  } finally {
    clearTimeout(timer);
    await rm(scratchFolder, { recursive: true, force: true });
  }
}

/** POV-Ray's own include files are part of its pictures. */
async function includeDigest(installation: Installation): Promise<string> {
  if (installation.name !== 'povray') return '';
  const folder = libraryFolders(installation).find((one) => basename(one) === 'include');
  if (folder === undefined) return '';
  const hash = createHash('sha256');
  for (const file of (await readdir(folder)).sort())
    hash.update(`${file} ${await fileDigest(join(folder, file))} `);
  return `.include-${hash.digest('hex').slice(0, BUILD_DIGITS)}`;
}

async function fileDigest(executable: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(await realpath(executable), { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').slice(0, 200) || '(nothing)';
}
