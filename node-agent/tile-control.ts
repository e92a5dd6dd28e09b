/**
 * How the main thread talks to a tile whose thread is busy: three words of shared memory, since no message gets through
 * to a thread that renders. One block per running tile.
 */
import type { TileControl } from './renderers/renderer.js';

const CANCELLED = 0;
const PROGRESS_PPM = 1;
const SIGNS_OF_LIFE = 2;
const WORDS = 3;

export type ControlBlock = Int32Array<SharedArrayBuffer>;

export function newControlBlock(): ControlBlock {
  return new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** The thread's first word: from here on it is expected to show signs of life. Waiting and loading come before. */
export function begin(block: ControlBlock): void {
  Atomics.store(block, SIGNS_OF_LIFE, 1);
}

export const hasBegun = (block: ControlBlock): boolean => Atomics.load(block, SIGNS_OF_LIFE) !== 0;

/** The renderer's side. Asking whether it is cancelled is also its sign of life. */
export function controlOf(block: ControlBlock): TileControl {
  return {
    isCancelled: () => {
      block[SIGNS_OF_LIFE] = (block[SIGNS_OF_LIFE]! + 1) | 0;
      return Atomics.load(block, CANCELLED) === 1;
    },
    progress: (ratio) => {
      block[PROGRESS_PPM] = Math.max(block[PROGRESS_PPM]!, Math.round(ratio * 1e6));
    },
  };
}

export function cancel(block: ControlBlock): void {
  Atomics.store(block, CANCELLED, 1);
}

export const isCancelled = (block: ControlBlock): boolean => Atomics.load(block, CANCELLED) === 1;

/** 0 to 1. */
export const progressRatio = (block: ControlBlock): number => Atomics.load(block, PROGRESS_PPM) / 1e6;

/** Changes as long as the renderer does its duty; a block whose text stays the same belongs to a thread that hangs. */
export const signOfLife = (block: ControlBlock): string =>
  `${Atomics.load(block, SIGNS_OF_LIFE)}/${Atomics.load(block, PROGRESS_PPM)}`;
