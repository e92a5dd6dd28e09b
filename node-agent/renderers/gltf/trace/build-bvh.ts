/**
 * Binned SAH builder for a binary BVH: 16 bins on each of the three axes in one pass over the triangles, in typed arrays
 * and with an explicit stack. Source: Wald, "On fast construction of SAH-based bounding volume hierarchies" (2007).
 */
import type { SceneGeometry } from '../scene-description.js';
import { sharedFloat32, sharedUint32 } from './shared-arrays.js';
import type { Bvh } from './trace-scene.js';

export const BVH_NODE_WORDS = 16;
/** Leaves hold their count in 4 bits; beyond 8 triangles a split always pays. */
const LEAF_TRIANGLES_MAX = 8;
const BINS = 16;
/** Most ranges are tiny, and sweeping 16 bins for a handful of triangles was a fifth of the time. */
const SMALL_RANGE = 16;
const BINS_OF_SMALL_RANGE = 8;
const EMPTY_BINS = Float32Array.from({ length: 3 * BINS * 6 }, (_, word) =>
  word % 6 < 3 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
);
/** One node visit tests two boxes and costs about as much as one triangle (measured). */
const TRAVERSAL_COST = 1;
/** Below this depth triangles are halved by count, which bounds the tree's depth and so the traversal stack. */
const SAH_DEPTH_MAX = 48;
/** Deepest tree possible: 48 SAH levels, then halving of at most 2^28 triangles. */
export const BVH_DEPTH_MAX = SAH_DEPTH_MAX + 28;

/** Cost: about 0.25 s for 100,000 triangles. A geometry without triangles gives a root that nothing hits. */
export function buildBvh(geometry: Pick<SceneGeometry, 'positions' | 'indices' | 'triangleCount'>): Bvh {
  const build = new BvhBuild(geometry);
  build.run();
  return build.packed();
}

class BvhBuild {
  readonly #geometry: Pick<SceneGeometry, 'positions' | 'indices' | 'triangleCount'>;
  /** 6 per triangle: min xyz, max xyz. */
  readonly #boxes: Float32Array;
  /** 3 per triangle: min + max (twice the centre of the box). */
  readonly #centers: Float32Array;
  readonly #order: Uint32Array;
  readonly #nodes: Float32Array;
  readonly #refs: Int32Array;
  #nodeCount = 0;

  // Scratch of one split; 3 axes × BINS.
  readonly #binBoxes = new Float32Array(3 * BINS * 6);
  readonly #binCounts = new Int32Array(3 * BINS);
  readonly #rightArea = new Float64Array(BINS);
  readonly #centerMin = new Float64Array(3);
  readonly #centerScale = new Float64Array(3);
  #bins = BINS;
  #splitAxis = 0;
  #splitBin = 0;
  #splitCost = 0;

  constructor(geometry: Pick<SceneGeometry, 'positions' | 'indices' | 'triangleCount'>) {
    const count = geometry.triangleCount;
    this.#geometry = geometry;
    this.#boxes = new Float32Array(count * 6);
    this.#centers = new Float32Array(count * 3);
    this.#order = new Uint32Array(count);
    this.#nodes = new Float32Array(Math.max(1, count) * BVH_NODE_WORDS);
    this.#refs = new Int32Array(this.#nodes.buffer);
    this.#measureTriangles();
  }

  /** Splits from the root down; a stack entry is a range of `order` and the word that shall refer to it. */
  run(): void {
    const count = this.#geometry.triangleCount;
    this.#nodeCount = 1;
    if (count <= LEAF_TRIANGLES_MAX) {
      // The root must be an inner node: its left child is the only leaf, its right one is empty.
      this.#writeBox(0, 0, count);
      this.#refs[12] = leafReference(0, count);
      this.#refs[13] = leafReference(0, 0);
      return;
    }
    const stack = new Int32Array((BVH_DEPTH_MAX + 2) * 4);
    let top = 0;
    stack.set([0, count, 0, 0]);
    top = 1;
    while (top > 0) {
      top--;
      const first = stack[top * 4]!;
      const end = stack[top * 4 + 1]!;
      const node = stack[top * 4 + 2]!;
      const depth = stack[top * 4 + 3]!;
      const middle = this.#split(first, end, depth);
      for (let side = 0; side < 2; side++) {
        const from = side === 0 ? first : middle;
        const to = side === 0 ? middle : end;
        const base = node * BVH_NODE_WORDS;
        this.#writeBox(base + side * 6, from, to);
        if (this.#staysLeaf(from, to, depth + 1)) {
          this.#refs[base + 12 + side] = leafReference(from, to - from);
        } else {
          const child = this.#nodeCount++;
          this.#refs[base + 12 + side] = child;
          stack[top * 4] = from;
          stack[top * 4 + 1] = to;
          stack[top * 4 + 2] = child;
          stack[top * 4 + 3] = depth + 1;
          top++;
        }
      }
    }
  }

  packed(): Bvh {
    const { positions, indices, triangleCount } = this.#geometry;
    const nodes = sharedFloat32(this.#nodeCount * BVH_NODE_WORDS);
    // Word by word as integers: a float copy could change the bits of a reference that looks like a NaN.
    new Int32Array(nodes.buffer).set(this.#refs.subarray(0, nodes.length));
    const corners = sharedFloat32(triangleCount * 9);
    const triangleIds = sharedUint32(triangleCount);
    triangleIds.set(this.#order);
    for (let slot = 0; slot < triangleCount; slot++) {
      const triangle = this.#order[slot]!;
      for (let corner = 0; corner < 3; corner++) {
        const from = indices[triangle * 3 + corner]! * 3;
        const to = slot * 9 + corner * 3;
        corners[to] = positions[from]!;
        corners[to + 1] = positions[from + 1]!;
        corners[to + 2] = positions[from + 2]!;
      }
    }
    return { nodes, corners, triangleIds };
  }

  #measureTriangles(): void {
    const { positions, indices, triangleCount } = this.#geometry;
    for (let triangle = 0; triangle < triangleCount; triangle++) {
      this.#order[triangle] = triangle;
      const a = indices[triangle * 3]! * 3;
      const b = indices[triangle * 3 + 1]! * 3;
      const c = indices[triangle * 3 + 2]! * 3;
      for (let axis = 0; axis < 3; axis++) {
        const p = positions[a + axis]!;
        const q = positions[b + axis]!;
        const r = positions[c + axis]!;
        const low = p < q ? Math.min(p, r) : Math.min(q, r);
        const high = p > q ? Math.max(p, r) : Math.max(q, r);
        this.#boxes[triangle * 6 + axis] = low;
        this.#boxes[triangle * 6 + 3 + axis] = high;
        this.#centers[triangle * 3 + axis] = low + high;
      }
    }
  }

  /** Decides by SAH whether a small range is better left alone. */
  #staysLeaf(first: number, end: number, depth: number): boolean {
    const count = end - first;
    if (count <= 2) return true;
    if (count > LEAF_TRIANGLES_MAX) return false;
    if (depth >= SAH_DEPTH_MAX) return true;
    return !this.#findSplit(first, end) || this.#splitCost >= count;
  }

  /** Reorders the range so that `[first, middle)` and `[middle, end)` are the two children. */
  #split(first: number, end: number, depth: number): number {
    const half = first + ((end - first) >> 1);
    if (depth >= SAH_DEPTH_MAX || !this.#findSplit(first, end)) return half;
    const order = this.#order;
    const centers = this.#centers;
    const axis = this.#splitAxis;
    const low = this.#centerMin[axis]!;
    const scale = this.#centerScale[axis]!;
    let left = first;
    let right = end - 1;
    while (left <= right) {
      const triangle = order[left]!;
      const bin = ((centers[triangle * 3 + axis]! - low) * scale) | 0;
      if (bin <= this.#splitBin) {
        left++;
      } else {
        order[left] = order[right]!;
        order[right] = triangle;
        right--;
      }
    }
    return left;
  }

  /** @returns false when all centres coincide; else the best split is in `#split…`. */
  #findSplit(first: number, end: number): boolean {
    if (!this.#measureCenters(first, end)) return false;
    this.#fillBins(first, end);
    const count = end - first;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let axis = 0; axis < 3; axis++) {
      if (this.#centerScale[axis] === 0) continue;
      const cost = this.#bestBinOf(axis, count);
      if (cost < bestCost) {
        bestCost = cost;
        this.#splitAxis = axis;
        this.#splitBin = this.#candidateBin;
      }
    }
    this.#splitCost = TRAVERSAL_COST + bestCost / Math.max(this.#area(first, end), 1e-300);
    return bestCost < Number.POSITIVE_INFINITY;
  }

  #measureCenters(first: number, end: number): boolean {
    this.#bins = end - first <= SMALL_RANGE ? BINS_OF_SMALL_RANGE : BINS;
    const centers = this.#centers;
    let isSpread = false;
    for (let axis = 0; axis < 3; axis++) {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let slot = first; slot < end; slot++) {
        const center = centers[this.#order[slot]! * 3 + axis]!;
        if (center < low) low = center;
        if (center > high) high = center;
      }
      this.#centerMin[axis] = low;
      // A hair below the count, so that the highest centre falls into the last bin.
      this.#centerScale[axis] = high > low ? (this.#bins * 0.999999) / (high - low) : 0;
      if (high > low) isSpread = true;
    }
    return isSpread;
  }

  #fillBins(first: number, end: number): void {
    const boxes = this.#boxes;
    const centers = this.#centers;
    const order = this.#order;
    const bins = this.#binBoxes;
    const counts = this.#binCounts;
    counts.fill(0);
    bins.set(EMPTY_BINS);
    for (let slot = first; slot < end; slot++) {
      const triangle = order[slot]!;
      const box = triangle * 6;
      const minX = boxes[box]!;
      const minY = boxes[box + 1]!;
      const minZ = boxes[box + 2]!;
      const maxX = boxes[box + 3]!;
      const maxY = boxes[box + 4]!;
      const maxZ = boxes[box + 5]!;
      for (let axis = 0; axis < 3; axis++) {
        const position = (centers[triangle * 3 + axis]! - this.#centerMin[axis]!) * this.#centerScale[axis]!;
        const bin = axis * BINS + (position | 0);
        counts[bin] = counts[bin]! + 1;
        const at = bin * 6;
        if (minX < bins[at]!) bins[at] = minX;
        if (minY < bins[at + 1]!) bins[at + 1] = minY;
        if (minZ < bins[at + 2]!) bins[at + 2] = minZ;
        if (maxX > bins[at + 3]!) bins[at + 3] = maxX;
        if (maxY > bins[at + 4]!) bins[at + 4] = maxY;
        if (maxZ > bins[at + 5]!) bins[at + 5] = maxZ;
      }
    }
  }

  #candidateBin = 0;

  /** Sweeps the bins of one axis from both ends; leaves the best last-left bin in `#candidateBin`. */
  #bestBinOf(axis: number, count: number): number {
    const bins = this.#binBoxes;
    const counts = this.#binCounts;
    const box = this.#sweepBox;
    box.reset();
    for (let bin = this.#bins - 1; bin > 0; bin--) {
      box.add(bins, (axis * BINS + bin) * 6);
      this.#rightArea[bin] = box.halfArea();
    }
    box.reset();
    let leftCount = 0;
    let best = Number.POSITIVE_INFINITY;
    for (let bin = 0; bin < this.#bins - 1; bin++) {
      box.add(bins, (axis * BINS + bin) * 6);
      leftCount += counts[axis * BINS + bin]!;
      if (leftCount === 0 || leftCount === count) continue;
      const cost = box.halfArea() * leftCount + this.#rightArea[bin + 1]! * (count - leftCount);
      if (cost < best) {
        best = cost;
        this.#candidateBin = bin;
      }
    }
    return best;
  }

  readonly #sweepBox = new GrowingBox();

  #area(first: number, end: number): number {
    this.#boundRange(first, end);
    return this.#sweepBox.halfArea();
  }

  #writeBox(word: number, first: number, end: number): void {
    this.#boundRange(first, end);
    this.#sweepBox.write(this.#nodes, word);
  }

  #boundRange(first: number, end: number): void {
    this.#sweepBox.reset();
    for (let slot = first; slot < end; slot++) this.#sweepBox.add(this.#boxes, this.#order[slot]! * 6);
  }
}

const leafReference = (first: number, count: number): number => ~(first * 16 + count);

/** A box that grows; six numbers in place, so that the builder allocates nothing per node. */
class GrowingBox {
  readonly #box = new Float32Array(6);

  reset(): void {
    this.#box.fill(Number.POSITIVE_INFINITY, 0, 3);
    this.#box.fill(Number.NEGATIVE_INFINITY, 3, 6);
  }

  add(from: Float32Array, at: number): void {
    const box = this.#box;
    if (from[at]! < box[0]!) box[0] = from[at]!;
    if (from[at + 1]! < box[1]!) box[1] = from[at + 1]!;
    if (from[at + 2]! < box[2]!) box[2] = from[at + 2]!;
    if (from[at + 3]! > box[3]!) box[3] = from[at + 3]!;
    if (from[at + 4]! > box[4]!) box[4] = from[at + 4]!;
    if (from[at + 5]! > box[5]!) box[5] = from[at + 5]!;
  }

  /** Half the surface; 0 while empty. */
  halfArea(): number {
    const box = this.#box;
    const x = box[3]! - box[0]!;
    const y = box[4]! - box[1]!;
    const z = box[5]! - box[2]!;
    return x >= 0 ? x * y + y * z + z * x : 0;
  }

  write(to: Float32Array, at: number): void {
    to.set(this.#box, at);
  }
}
