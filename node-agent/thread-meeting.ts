/** How each thread of a pool is given one task of a kind: whoever has done it waits until all have, and so takes no second. */

const ARRIVED = 0;

export interface ThreadMeeting {
  readonly threads: number;
  readonly waitMs: number;
  readonly block: Int32Array<SharedArrayBuffer>;
}

export function newThreadMeeting(threads: number, waitMs: number): ThreadMeeting {
  return { threads, waitMs, block: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) };
}

/** Blocks the calling thread until all threads are here, or for `waitMs`. */
export function meet({ threads, waitMs, block }: ThreadMeeting): void {
  Atomics.add(block, ARRIVED, 1);
  Atomics.notify(block, ARRIVED);
  const endAtMs = performance.now() + waitMs;
  for (let here = Atomics.load(block, ARRIVED); here < threads; here = Atomics.load(block, ARRIVED)) {
    const leftMs = endAtMs - performance.now();
    if (leftMs <= 0) return;
    Atomics.wait(block, ARRIVED, here, leftMs);
  }
}
