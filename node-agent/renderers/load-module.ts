/**
 * A renderer that the node's admin added: an ES module that exports `renderer`. It runs inside the agent's threads and is
 * trusted like the agent; what is checked here is that it is one, so that a mistake is told when the agent starts.
 */
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import {
  BUILT_IN_RENDERERS,
  type RendererDescription,
  rendererNameSchema,
  rendererVersionSchema,
} from '#shared/domain/renderers.js';
import { FarmError, messageOf } from '#shared/errors.js';
import type { Renderer } from './renderer.js';

const functionSchema = z.custom((value) => typeof value === 'function', 'it must be a function');
const moduleSchema = z.object({
  renderer: z.object(
    {
      name: rendererNameSchema.refine(
        (name) => !(BUILT_IN_RENDERERS as readonly string[]).includes(name),
        `a name of Guian's own (${BUILT_IN_RENDERERS.join(', ')}) is taken`,
      ),
      version: rendererVersionSchema,
      prepare: functionSchema,
      open: functionSchema,
    },
    'the module must export an object `renderer`',
  ),
});

/** @throws RENDERER_MISSING naming the file and what is wrong with it. */
export async function loadModule(file: string): Promise<Renderer> {
  let exported: unknown;
  try {
    exported = { ...((await import(pathToFileURL(file).href)) as object) };
  } catch (cause) {
    throw new FarmError(
      'RENDERER_MISSING',
      `renderer module ${file}: it does not load: ${messageOf(cause).split('\n')[0]}`,
      {},
      { cause },
    );
  }
  const parsed = moduleSchema.safeParse(exported);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new FarmError(
      'RENDERER_MISSING',
      `renderer module ${file}: ${issue.path.join('.') || 'exports'}: ${issue.message}`,
    );
  }
  // Not what was parsed: that is a copy, without what an object inherits.
  return (exported as { renderer: Renderer }).renderer;
}

export interface DescribedModules {
  readonly renderers: readonly RendererDescription[];
  /** Files that are worth loading. */
  readonly usable: readonly string[];
  readonly broken: readonly { readonly name: string; readonly reason: string }[];
}

/** Loads each; of two with one name and version the first counts. */
export async function describeModules(files: readonly string[]): Promise<DescribedModules> {
  const renderers: RendererDescription[] = [];
  const usable: string[] = [];
  const broken: { name: string; reason: string }[] = [];
  for (const file of files) {
    try {
      const { name, version } = await loadModule(file);
      if (renderers.some((other) => other.name === name && other.version === version))
        throw new FarmError('RENDERER_MISSING', `renderer module ${file}: ${name} ${version} is taken`);
      renderers.push({ name, version });
      usable.push(file);
    } catch (error) {
      broken.push({ name: file, reason: messageOf(error) });
    }
  }
  return { renderers, usable, broken };
}
