/** Renderers by name, what each can deliver, and which one a scene file is for. Nodes may have others as modules. */
import { z } from 'zod';
import type { LayerName } from './layers.js';

/** Part of every installation; `blender` and `povray` need their programs on the node. */
export const BUILT_IN_RENDERERS = ['gltf', 'synthetic', 'blender', 'povray'] as const;
export type BuiltInRenderer = (typeof BUILT_IN_RENDERERS)[number];

export const rendererNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'a renderer has a name of a-z, 0-9 and -');
/** Version, build and kernel; equal text promises equal pixels. */
export const rendererVersionSchema = z
  .string()
  .min(1)
  .max(128)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'a version has no control characters');

/** A renderer as a node has it. */
export interface RendererDescription {
  readonly name: string;
  readonly version: string;
}

const LAYERS_OF: Readonly<Record<string, readonly LayerName[]>> = {
  gltf: ['beauty', 'albedo', 'normal', 'depth'],
  povray: ['beauty'],
};

/** Layers of our own path tracer. */
export const GLTF_LAYERS = LAYERS_OF['gltf']!;

/** Known before a node is asked; renderers not listed may have every layer. */
export function lacksLayer(renderer: string, layer: LayerName): boolean {
  const layers = LAYERS_OF[renderer];
  return layers !== undefined && !layers.includes(layer);
}

/** Known before a node is asked; Blender, and modules whose versions say so (render-device.ts), may have them. */
export const lacksGpus = (renderer: string): boolean =>
  renderer === 'gltf' || renderer === 'synthetic' || renderer === 'povray';

/** It stops at the first file that is not there, whatever is asked of it. */
export const needsAllFiles = (renderer: string): boolean => renderer === 'povray';

const EXTENSIONS: Readonly<Record<string, BuiltInRenderer>> = {
  '.gltf': 'gltf',
  '.glb': 'gltf',
  '.blend': 'blender',
  '.pov': 'povray',
};
export const SCENE_EXTENSIONS = Object.keys(EXTENSIONS);

/** @returns undefined when the file's name says nothing. */
export function rendererOfScene(fileName: string): BuiltInRenderer | undefined {
  const extension = /\.[^./\\]*$/.exec(fileName)?.[0].toLowerCase() ?? '';
  return EXTENSIONS[extension];
}

/** Renderers that run as programs beside the agent, in a sandbox where there is one. */
export const isProgram = (renderer: string): renderer is 'blender' | 'povray' =>
  renderer === 'blender' || renderer === 'povray';
