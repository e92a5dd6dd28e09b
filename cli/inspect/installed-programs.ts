/** Blender and POV-Ray on this machine, as an agent here would find them (`GUIAN_BLENDER`, `GUIAN_POVRAY`, PATH). */
import { agentConfig } from '#node-agent/config.js';
import {
  type BrokenInstallation,
  findInstallations,
} from '#node-agent/renderers/program/find-installations.js';
import type { Installation, Sandbox } from '#node-agent/renderers/program/program.js';
import { probeSandbox } from '#node-agent/renderers/program/sandbox.js';
import { resolveConfig } from '#shared/config.js';
import { FarmError } from '#shared/errors.js';

export type ProgramName = 'blender' | 'povray';

export interface InstalledPrograms {
  readonly installations: readonly Installation[];
  readonly broken: readonly BrokenInstallation[];
}

export const PROGRAM_TITLES: Readonly<Record<ProgramName, string>> = {
  blender: 'Blender',
  povray: 'POV-Ray',
};
export const PROGRAM_INSTALLS: Readonly<Record<ProgramName, string>> = {
  blender: 'apt-get install blender',
  povray: 'apt-get install povray povray-includes',
};

/** @throws CONFIG_INVALID for a variable that is none. */
export async function installedPrograms(names: readonly ProgramName[]): Promise<InstalledPrograms> {
  const config = resolveConfig(agentConfig, { env: process.env });
  const paths: Partial<Record<ProgramName, readonly string[]>> = {};
  for (const name of names) {
    const given = config[name];
    // An empty list would be the search path, and here it means none.
    if (given === 'auto') paths[name] = [];
    else if (given.length > 0) paths[name] = given;
  }
  return await findInstallations(paths);
}

/** @throws TOOL_MISSING when `GUIAN_SANDBOX` asks for one and there is none. */
export async function sandboxHere(): Promise<Sandbox> {
  const { sandbox: mode } = resolveConfig(agentConfig, { env: process.env });
  if (mode === 'off') return 'none';
  const { sandbox, description } = await probeSandbox();
  if (mode === 'require' && sandbox === 'none')
    throw new FarmError(
      'TOOL_MISSING',
      `GUIAN_SANDBOX asks for a sandbox, and there is ${description}; install it, or set GUIAN_SANDBOX=auto`,
    );
  return sandbox;
}

/**
 * The installation that reads or renders a scene here.
 * @param version  exactly this one; undefined: the first.
 * @throws TOOL_MISSING with the way out; RENDERER_MISSING when only other versions are here.
 */
export function chooseInstallation(
  name: ProgramName,
  version: string | undefined,
  { installations, broken }: InstalledPrograms,
): Installation {
  const same = installations.filter((installation) => installation.name === name);
  // Agents announce what Blender computes on their machine behind what it is (`.px…`).
  const chosen = same.find((one) => version === undefined || `${version}.`.startsWith(`${one.version}.`));
  if (chosen) return chosen;
  if (same.length > 0)
    throw new FarmError(
      'RENDERER_MISSING',
      `--renderer-version "${version}": nobody here can read the scene with it, as this machine has ${same.map((one) => `${name} ${one.version}`).join(', ')}; name a version that is here, leave it out, or use guian submit with a farm that has it (guian nodes shows its versions)`,
    );
  const title = PROGRAM_TITLES[name];
  const reason = broken.find((one) => one.name === name)?.reason;
  throw new FarmError(
    'TOOL_MISSING',
    `${title} is not ${reason === undefined ? 'installed on' : `usable on`} this machine${reason === undefined ? '' : ` (${reason})`}; install it (${PROGRAM_INSTALLS[name]}), or hand the scene to a farm that has it: guian submit`,
  );
}
