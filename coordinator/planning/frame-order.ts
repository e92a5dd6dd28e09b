/**
 * In which order a job's frames are begun. Each order is a permutation of the frames' places in the job's list, given one
 * at a time from closed forms: nothing is stored per frame.
 */
import { invariant } from '#shared/invariant.js';

/**
 * @param order `sequential`, `reverse`, `first-middle-last` or `every-N` (shared/domain/schedule.ts).
 * @param count frames of the job, at least 1.
 * @returns places in the job's frame list, 0-based, each once.
 */
export function frameOrder(order: string, count: number): Generator<number, void, undefined> {
  switch (order) {
    case 'sequential':
      return every(1, count);
    case 'reverse':
      return reverse(count);
    case 'first-middle-last':
      return firstMiddleLast(count);
    default: {
      const stride = Number(/^every-(\d+)$/.exec(order)?.[1]);
      invariant(stride >= 1, `frame order ${order}`);
      return every(Math.min(stride, count), count);
    }
  }
}

function* reverse(count: number): Generator<number, void, undefined> {
  for (let place = count - 1; place >= 0; place--) yield place;
}

function* firstMiddleLast(count: number): Generator<number, void, undefined> {
  yield 0;
  if (count > 2) yield 1 + bisected(count - 2, 0);
  if (count > 1) yield count - 1;
  for (let place = 1; place < count - 2; place++) yield 1 + bisected(count - 2, place);
}

/** Each `stride`-th frame, then each of those half-way between, and so on until none is left. */
function* every(stride: number, count: number): Generator<number, void, undefined> {
  for (let pass = 0; pass < stride; pass++) {
    const first = pass === 0 ? 0 : 1 + bisected(stride - 1, pass - 1);
    for (let place = first; place < count; place += stride) yield place;
  }
}

/**
 * The middle of `count` places first, then the middles of what lies left and right of it, and so on. O(log count).
 *
 * It walks down a balanced search tree whose levels are full but for the last. The branches taken are the bits of `c`,
 * lowest first; after l of them floor((count + 1 + c) / 2^l) - 1 places are left, so that a node of the last level exists
 * where that is at least 1: for the highest values of c.
 * @param step 0 to count - 1; @returns a place, each once.
 */
export function bisected(count: number, step: number): number {
  const level = 31 - Math.clz32(step + 1);
  const width = 2 ** level;
  const c = step + 1 - width + Math.max(0, 2 * width - (count + 1));
  let first = 0;
  let left = count;
  for (let bit = 0; bit < level; bit++) {
    const lower = (left - 1) >> 1;
    if ((c >> bit) & 1) {
      first += lower + 1;
      left -= lower + 1;
    } else left = lower;
  }
  return first + ((left - 1) >> 1);
}
