/**
 * What a node has beside its own code: the programs that are installed, whether they can be kept in, and the modules that
 * its admin added. Programs are asked for their versions, and Blenders render a small picture, which takes a second or
 * two, while the agent is at work already.
 */

import { tmpdir } from 'node:os';
import type { RendererDescription } from '#shared/domain/renderers.js';
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import type { AgentConfig } from './config.js';
import { probedVersions } from './renderers/blender/probed-versions.js';
import type { DescribedModules } from './renderers/load-module.js';
import { findInstallations } from './renderers/program/find-installations.js';
import { type Installation, NO_PROGRAMS, type Programs, type Sandbox } from './renderers/program/program.js';
import { probeSandbox } from './renderers/program/sandbox.js';
import { ThreadPool } from './thread-pool.js';

export interface NodePrograms {
  readonly programs: Programs;
  /** Beside our own. */
  readonly renderers: readonly RendererDescription[];
  /** For people: how scenes of others are kept in, or why they are not. */
  readonly sandbox: string;
}

export type ProgramsConfig = Pick<AgentConfig, 'blender' | 'povray' | 'rendererModules' | 'sandbox'>;

/** For all modules together, over the network and from a cold disk. */
const MODULES_MS_MAX = 30_000;
const MODULES_HEAP_BYTES = 2 ** 30;

/**
 * What does not work is told in the log and left out. Never rejects.
 * @param probe  whether programs can be kept in here.
 * @param trial  what they compute here.
 */
export async function findPrograms(
  config: ProgramsConfig,
  logger: Logger,
  probe: typeof probeSandbox = probeSandbox,
  trial: typeof probedVersions = probedVersions,
): Promise<NodePrograms> {
  try {
    return await lookForPrograms(config, logger, probe, trial);
  } catch (err) {
    // A full disk for temporary files, for instance. What renders without programs goes on.
    logger.error({ err }, 'programs could not be looked for; start the agent again once that is mended');
    const sandbox = `unknown, and no program renders here: ${messageOf(err)}`;
    return { programs: NO_PROGRAMS, renderers: [], sandbox };
  }
}

async function lookForPrograms(
  config: ProgramsConfig,
  logger: Logger,
  probe: typeof probeSandbox,
  trial: typeof probedVersions,
): Promise<NodePrograms> {
  const [{ installations: found, broken }, walls, modules] = await Promise.all([
    findInstallations({ ...pathsOf('blender', config), ...pathsOf('povray', config) }),
    sandboxOf(config.sandbox, probe),
    loadModules(config.rendererModules, logger),
  ]);
  const { sandbox, description, isRefused } = walls;
  const tried = await trial(isRefused ? [] : found, sandbox, tmpdir());
  const { installations } = tried;
  for (const { name, reason } of [...broken, ...tried.broken, ...modules.broken])
    logger.warn({ renderer: name, err: reason }, 'renderer does not load here');
  if (isRefused && found.length > 0)
    logger.warn(
      { sandbox: description, renderers: labels(found) },
      'programs are not used without a sandbox',
    );
  else if (sandbox === 'none' && config.sandbox === 'auto' && found.length > 0)
    logger.warn({ sandbox: description, renderers: labels(found) }, 'programs run without a sandbox');
  return {
    programs: { installations, sandbox, modules: modules.usable },
    renderers: [...installations.map(({ name, version }) => ({ name, version })), ...modules.renderers],
    sandbox: description,
  };
}

/** As `findInstallations` takes them: an empty list is the search path, and what is left out is not looked for. */
function pathsOf(name: 'blender' | 'povray', config: ProgramsConfig) {
  const paths = config[name];
  if (paths === 'auto') return { [name]: [] };
  return paths.length === 0 ? {} : { [name]: paths };
}

interface Walls {
  readonly sandbox: Sandbox;
  readonly description: string;
  /** Programs may not run here. */
  readonly isRefused: boolean;
}

async function sandboxOf(mode: ProgramsConfig['sandbox'], probe: typeof probeSandbox): Promise<Walls> {
  if (mode === 'off') return { sandbox: 'none', description: 'off (--sandbox off)', isRefused: false };
  const { sandbox, description } = await probe();
  if (mode === 'auto' || sandbox !== 'none') return { sandbox, description, isRefused: false };
  const refusal = `no program renders here (--sandbox require): ${description}`;
  return { sandbox, description: refusal, isRefused: true };
}

/** In a thread of its own, which ends: what a module does when it is loaded is nobody's trouble but its own. */
async function loadModules(files: readonly string[], logger: Logger): Promise<DescribedModules> {
  if (files.length === 0) return { renderers: [], usable: [], broken: [] };
  await using pool = new ThreadPool({
    name: 'modules',
    file: new URL('./prepare-worker.js', import.meta.url),
    threads: 1,
    memoryBytes: MODULES_HEAP_BYTES,
    sleepsBetweenTasks: false,
    logger,
    onBroken: () => undefined,
  });
  try {
    const loaded = await pool.run(files, 'describeModules', AbortSignal.timeout(MODULES_MS_MAX));
    return loaded as DescribedModules;
  } catch (error) {
    const reason = `loading it, or one beside it, ended its thread: ${messageOf(error)}`;
    return { renderers: [], usable: [], broken: files.map((name) => ({ name, reason })) };
  }
}

const labels = (installations: readonly Installation[]): string[] =>
  installations.map(({ name, version }) => `${name} ${version}`);
