/**
 * How the main thread talks to a tile whose thread is busy: a few words of shared memory, since no message gets through
 * to a thread that renders. One block per running tile.
 */
import type { TileControl } from './renderers/renderer.js';

const CANCELLED = 0;
const PROGRESS_PPM = 1;
const SIGNS_OF_LIFE = 2;
const PHASE = 3;
/** What the tile's thread uses, as it measured last. KiB: 31 bits of them are 2 TiB. */
const MEMORY_KIB = 4;
/** What it used when it went over its limit and could not get rid of it; 0 otherwise. */
const EXCESS_KIB = 5;
const WORDS = 6;

const WAITING = 0;
const BEGUN = 1;
const ENDED = 2;

const KIB = 1024;
const KIB_MAX = 2 ** 31 - 1;
const PPM = 1e6;

export type ControlBlock = Int32Array<SharedArrayBuffer>;

export function newControlBlock(): ControlBlock {
  return new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** The thread's first word: from here on it is expected to show signs of life. Waiting and loading come before. */
export function begin(block: ControlBlock): void {
  Atomics.store(block, PHASE, BEGUN);
}

/** Its last word: the answer is on its way, with those of other tiles of its batch that are still at work. */
export function end(block: ControlBlock): void {
  Atomics.store(block, PHASE, ENDED);
}

/** The main thread's: the tile's thread has ended under it, and it goes to another. A cancel stays. */
export function rewind(block: ControlBlock): void {
  for (const word of [PHASE, PROGRESS_PPM, MEMORY_KIB, EXCESS_KIB]) Atomics.store(block, word, 0);
}

export const hasBegun = (block: ControlBlock): boolean => Atomics.load(block, PHASE) !== WAITING;

/** Begun and not ended. */
export const isAtWork = (block: ControlBlock): boolean => Atomics.load(block, PHASE) === BEGUN;

/** The renderer's side. Asking whether it is cancelled is also its sign of life, and the moment to look at its memory. */
export function controlOf(block: ControlBlock, guard: { look(block: ControlBlock): void }): TileControl {
  return {
    isCancelled: () => {
      block[SIGNS_OF_LIFE] = (block[SIGNS_OF_LIFE]! + 1) | 0;
      guard.look(block);
      return Atomics.load(block, CANCELLED) === 1;
    },
    progress: (ratio) => {
      block[PROGRESS_PPM] = Math.max(block[PROGRESS_PPM]!, Math.round(ratio * PPM));
    },
  };
}

export function cancel(block: ControlBlock): void {
  Atomics.store(block, CANCELLED, 1);
}

export const isCancelled = (block: ControlBlock): boolean => Atomics.load(block, CANCELLED) === 1;

/** 0 to 1. */
export const progressRatio = (block: ControlBlock): number => Atomics.load(block, PROGRESS_PPM) / PPM;

/** Changes as long as the renderer does its duty. */
export const signsOfLife = (block: ControlBlock): number => Atomics.load(block, SIGNS_OF_LIFE);

export function storeMemory(block: ControlBlock, bytes: number): void {
  Atomics.store(block, MEMORY_KIB, toKib(bytes));
}

export const memoryBytes = (block: ControlBlock): number => Atomics.load(block, MEMORY_KIB) * KIB;

export function storeExcess(block: ControlBlock, bytes: number): void {
  Atomics.store(block, EXCESS_KIB, toKib(bytes));
}

export const excessBytes = (block: ControlBlock): number => Atomics.load(block, EXCESS_KIB) * KIB;

const toKib = (bytes: number): number => Math.min(KIB_MAX, Math.round(bytes / KIB));
