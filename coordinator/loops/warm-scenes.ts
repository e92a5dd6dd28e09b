/** Which scenes nodes had work of lately: they are in their caches, and maybe open. Data only. */
import type { NodeId } from '#shared/domain/ids.js';

/** A node's cache holds more; these are the likeliest to be still there. */
const SCENES_PER_NODE_MAX = 16;
const NO_SCENES: ReadonlySet<string> = new Set();

export class WarmScenes {
  /** Oldest first. */
  private readonly scenes = new Map<NodeId, ReadonlySet<string>>();

  /** @returns whether a scene is new to the node. */
  add(nodeId: NodeId, keys: readonly string[]): boolean {
    const known = this.of(nodeId);
    if (keys.every((key) => known.has(key))) return false;
    const latest = [...known].filter((key) => !keys.includes(key)).concat(keys);
    this.scenes.set(nodeId, new Set(latest.slice(-SCENES_PER_NODE_MAX)));
    return true;
  }

  of(nodeId: NodeId): ReadonlySet<string> {
    return this.scenes.get(nodeId) ?? NO_SCENES;
  }

  forget(nodeId: NodeId): void {
    this.scenes.delete(nodeId);
  }
}
