/**
 * Which versions of which renderers nodes have, and which one a job is pinned to: equal pixels are promised for equal
 * versions only, so that a job stays with one from its first tile to its last retry. Pure functions.
 */
import { deviceOf, type RenderDevice } from '#shared/domain/render-device.js';
import { type RendererDescription, rendererVersionSchema } from '#shared/domain/renderers.js';

/** What a node has, and how much of it there is. */
export interface RendererNode {
  readonly slots: number;
  readonly renderers: readonly RendererDescription[];
}

/** `<name> <version>`: a name has no spaces. */
export function rendererKey(name: string, version: string): string {
  return `${name} ${version}`;
}

/** Keys of all that a node has. */
export interface RendererSet {
  /** Equal for equal sets. */
  readonly text: string;
  readonly keys: ReadonlySet<string>;
}

const sets = new WeakMap<readonly RendererDescription[], RendererSet>();

/** Each list is looked at once: nodes are asked for it at every change of the farm. */
export function rendererSet(renderers: readonly RendererDescription[]): RendererSet {
  let set = sets.get(renderers);
  if (!set) {
    const keys = renderers.map(({ name, version }) => rendererKey(name, version)).sort();
    set = { text: keys.join('\n'), keys: new Set(keys) };
    sets.set(renderers, set);
  }
  return set;
}

/** Whether two lists are the same in the same order: nodes say the same once a second. */
export function isSameList(
  one: readonly RendererDescription[],
  other: readonly RendererDescription[],
): boolean {
  return (
    one === other ||
    (one.length === other.length &&
      one.every(({ name, version }, index) => {
        const { name: otherName, version: otherVersion } = other[index]!;
        return name === otherName && version === otherVersion;
      }))
  );
}

/**
 * The version that most slots have; of those with equally many, the newest.
 * @param device  what it computes with.
 * @returns nothing when no node has any.
 */
export function commonVersion(
  name: string,
  nodes: Iterable<RendererNode>,
  device: RenderDevice = 'cpu',
): string | undefined {
  let best: string | undefined;
  const slots = slotsByVersion(name, nodes);
  for (const [version, count] of slots) {
    if (deviceOf(version) !== device) continue;
    const lead = best === undefined ? 1 : count - slots.get(best)!;
    if (lead > 0 || (lead === 0 && compareVersions(version, best!) > 0)) best = version;
  }
  return best;
}

/** @returns nothing when no node has any. */
export function newestVersion(name: string, nodes: Iterable<RendererNode>): string | undefined {
  return [...slotsByVersion(name, nodes).keys()].sort(compareVersions).at(-1);
}

const RENDERERS_SHOWN_MAX = 6;

/**
 * For people: what nodes have instead; other versions of the renderer where there are any, else all that they have.
 * @returns e.g. `nodes have blender 3.6.2, blender 4.1.0`
 */
export function whatNodesHave(name: string, nodes: Iterable<RendererNode>): string {
  const all = new Set<string>();
  const versions = new Set<string>();
  for (const { renderers } of nodes)
    for (const renderer of renderers) {
      const key = rendererKey(renderer.name, renderer.version).replace(/\s+/g, ' ');
      all.add(key);
      if (renderer.name === name) versions.add(key);
    }
  const shown = [...(versions.size > 0 ? versions : all)].sort(compareVersions);
  if (shown.length === 0) return 'nodes have no renderer at all';
  const rest = shown.length - RENDERERS_SHOWN_MAX;
  return `nodes have ${shown.slice(0, RENDERERS_SHOWN_MAX).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Whatever a node says its version is: only one that a job's record can hold counts. */
function slotsByVersion(name: string, nodes: Iterable<RendererNode>): ReadonlyMap<string, number> {
  const slots = new Map<string, number>();
  for (const node of nodes) {
    if (node.slots === 0) continue;
    for (const { name: itsName, version } of node.renderers) {
      if (itsName !== name) continue;
      const before = slots.get(version);
      if (before !== undefined || rendererVersionSchema.safeParse(version).success)
        slots.set(version, (before ?? 0) + node.slots);
    }
  }
  return slots;
}

/** Natural order: 3.10 is newer than 3.9. */
const compareVersions = new Intl.Collator('en', { numeric: true }).compare;
