/** How long a frame takes when its tiles are given out in order, each to the slot that is free first. Pure. */

/**
 * List scheduling.
 * @param tileMs in the order in which tiles are given out, overheads included. @param slots at least 1, equally fast.
 * @returns ms from the first tile's begin to the last one's end. O(tiles × log slots).
 */
export function makespan(tileMs: Iterable<number>, slots: number): number {
  /** A heap of the times at which slots become free. */
  const freeAt = new Float64Array(slots);
  let lastEnd = 0;
  for (const ms of tileMs) {
    const end = freeAt[0]! + ms;
    lastEnd = Math.max(lastEnd, end);
    sinkFirst(freeAt, end);
  }
  return lastEnd;
}

function sinkFirst(heap: Float64Array, value: number): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
}
