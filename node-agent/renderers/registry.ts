/**
 * The renderers of this node by name and version: our own code, installed programs, and modules that the node's admin
 * added. Each is imported when it is first needed: a path tracer and its loaders are megabytes of code that only the
 * threads which use them should hold. Importing this file costs nothing.
 */
import type { RendererDescription } from '#shared/domain/renderers.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { loadModule } from './load-module.js';
import type { Installation, Programs, Sandbox } from './program/program.js';
import type { Renderer } from './renderer.js';

const OWN: Readonly<Record<string, () => Promise<Renderer>>> = {
  gltf: async () => (await import('./gltf/renderer.js')).gltfRenderer,
  synthetic: async () => (await import('./synthetic/renderer.js')).syntheticRenderer,
};

const OF_PROGRAMS: Readonly<
  Record<string, (installation: Installation, sandbox: Sandbox) => Promise<Renderer>>
> = {
  blender: async (installation, sandbox) =>
    (await import('./blender/renderer.js')).blenderRenderer(installation, sandbox),
  povray: async (installation, sandbox) =>
    (await import('./povray/renderer.js')).povrayRenderer(installation, sandbox),
};

/** It needs nothing beside our own code. */
export const isOwnRenderer = (name: string): boolean => Object.hasOwn(OWN, name);

/**
 * @param version  exactly this one; undefined: the first that is here.
 * @throws RENDERER_MISSING naming what is here; whatever importing our own code throws: a broken installation.
 */
export async function loadRenderer(
  name: string,
  version: string | undefined,
  programs: Programs,
): Promise<Renderer> {
  const isAsked = (candidate: RendererDescription): boolean =>
    candidate.name === name && (version === undefined || candidate.version === version);
  const here: RendererDescription[] = [...programs.installations];
  if (isOwnRenderer(name)) {
    const own = await OWN[name]!();
    if (isAsked(own)) return own;
    here.push(own);
  }
  const load = Object.hasOwn(OF_PROGRAMS, name) ? OF_PROGRAMS[name] : undefined;
  if (load) return load(findInstallation(name, version, programs), programs.sandbox);
  for (const file of programs.modules) {
    const renderer = await loadModule(file);
    if (isAsked(renderer)) return renderer;
    here.push(renderer);
  }
  throw rendererMissing(name, version, here);
}

/** @param version as for `loadRenderer`. @throws RENDERER_MISSING naming what is here. */
export function findInstallation(
  name: string,
  version: string | undefined,
  { installations }: Programs,
): Installation {
  const found = installations.find(
    (installation) =>
      installation.name === name && (version === undefined || installation.version === version),
  );
  if (!found) throw rendererMissing(name, version, installations);
  return found;
}

/** Our own renderers that load here. Call it in a thread that may hold their code, not in the agent's main thread. */
export async function describeOwnRenderers(): Promise<{
  renderers: RendererDescription[];
  broken: { name: string; reason: string }[];
}> {
  const renderers: RendererDescription[] = [];
  const broken: { name: string; reason: string }[] = [];
  for (const [name, load] of Object.entries(OWN)) {
    try {
      renderers.push({ name, version: (await load()).version });
    } catch (error) {
      broken.push({ name, reason: messageOf(error) });
    }
  }
  return { renderers, broken };
}

/** e.g. `gltf 1.0.0+ts-bvh2`: the text that each result carries. */
export const rendererLabel = (renderer: RendererDescription): string =>
  `${renderer.name} ${renderer.version}`;

function rendererMissing(
  name: string,
  version: string | undefined,
  here: readonly RendererDescription[],
): FarmError {
  const sameName = here.filter((renderer) => renderer.name === name);
  const others = [...Object.keys(OWN), ...here.map((renderer) => renderer.name)];
  const found =
    sameName.length > 0
      ? sameName.map((renderer) => renderer.version).join(', ')
      : `the renderers ${[...new Set(others)].join(', ')}`;
  const wanted = version === undefined ? name : `${name} ${version}`;
  return new FarmError('RENDERER_MISSING', `this node has no ${wanted}; it has ${found}`, {
    renderer: name,
    version,
  });
}
