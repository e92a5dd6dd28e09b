/** Where every node of a scene is at one time, and how far every mesh is morphed. */
import { sampleTrack, type Track } from './animation-tracks.js';
import { compose, multiply } from './matrix.js';
import type { NodeTree } from './scene-model.js';

export interface Pose {
  /** nodes × 16, column-major */
  readonly worlds: Float64Array;
  /** Morph weights per node; null where nothing is morphed. */
  readonly weights: readonly (ArrayLike<number> | null)[];
}

const OFFSET = { translation: 0, rotation: 3, scale: 7 } as const;

/** @param tracks  of the animation that plays; empty for a still. */
export function poseAt(tree: NodeTree, tracks: readonly Track[], timeSeconds: number): Pose {
  const trs = tree.trs.slice();
  const weights: (ArrayLike<number> | null)[] = [...tree.weights];
  for (const track of tracks) {
    if (track.path === 'weights') {
      const sampled = new Float64Array(track.width);
      sampleTrack(track, timeSeconds, sampled, 0);
      weights[track.node] = sampled;
    } else sampleTrack(track, timeSeconds, trs, track.node * 10 + OFFSET[track.path]);
  }
  const worlds = new Float64Array(tree.count * 16);
  const local = new Float64Array(16);
  for (let node = 0; node < tree.count; node++) {
    const matrix = tree.matrices[node];
    if (matrix) local.set(matrix);
    else compose(local, 0, trs, node * 10);
    const parent = tree.parents[node]!;
    if (parent < 0) worlds.set(local, node * 16);
    else multiply(worlds, node * 16, worlds, parent * 16, local, 0);
  }
  return { worlds, weights };
}
