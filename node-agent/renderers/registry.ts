/**
 * The renderers of this node by name, each imported when it is first needed: a path tracer and its loaders are megabytes
 * of code that only the threads which use them should hold.
 */
import { RENDERER_NAMES, type RendererName } from '#shared/domain/job.js';
import type { Renderer } from './renderer.js';

const LOADERS: Readonly<Record<RendererName, () => Promise<Renderer>>> = {
  gltf: async () => (await import('./gltf/renderer.js')).gltfRenderer,
  synthetic: async () => (await import('./synthetic/renderer.js')).syntheticRenderer,
};

/** What a heartbeat says of a renderer. */
export interface RendererDescription {
  readonly name: string;
  readonly version: string;
}

/** @throws whatever importing it throws: a broken installation. */
export function loadRenderer(name: RendererName): Promise<Renderer> {
  return LOADERS[name]();
}

/** Every renderer that loads here. Call it in a thread that may hold their code, not in the agent's main thread. */
export async function describeRenderers(): Promise<{
  renderers: RendererDescription[];
  broken: { name: string; reason: string }[];
}> {
  const renderers: RendererDescription[] = [];
  const broken: { name: string; reason: string }[] = [];
  for (const name of RENDERER_NAMES) {
    try {
      renderers.push({ name, version: (await loadRenderer(name)).version });
    } catch (error) {
      broken.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { renderers, broken };
}

/** e.g. `gltf 1.0.0+ts-bvh2`: the text that each result carries. */
export const rendererLabel = (renderer: RendererDescription): string =>
  `${renderer.name} ${renderer.version}`;
