/**
 * Watches what a program and its descendants use, and tells once when their memory is over the limit. A descendant that
 * has been seen is followed after it was orphaned too.
 */

import { exactMemoryBytes, killProcess, memoryBytes, processTree, readProcess } from './process-tree.js';
import type { ProgramUse } from './program.js';

const SAMPLE_EVERY_MS = 200;
/** A program that is new, or grew so fast that it could pass its limit before the next look, is looked at more often. */
const SAMPLE_SOON_MS = 25;

export class ProgramWatch {
  readonly #pid: number;
  readonly #memoryBytesMax: number;
  readonly #onExcess: (bytes: number) => void;
  /** pid → its start, of all seen alive at the last look. */
  #known = new Map<number, number>();
  #use: ProgramUse = { coreSeconds: 0, memoryBytes: 0, peakMemoryBytes: 0 };
  #waitMs = SAMPLE_SOON_MS;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(pid: number, memoryBytesMax: number, onExcess: (bytes: number) => void) {
    this.#pid = pid;
    this.#memoryBytesMax = memoryBytesMax;
    this.#onExcess = onExcess;
    this.#next();
  }

  /** A look now; after the end of the program what the last look saw. */
  use(): ProgramUse {
    if (!this.#isOver) this.look();
    return this.#use;
  }

  look(): void {
    if (this.#isOver) return;
    const tree = processTree([this.#pid, ...this.alive()]);
    this.#known = new Map(tree.map(({ pid, startTicks }) => [pid, startTicks]));
    let coreSeconds = 0;
    let bytes = 0;
    for (const { pid, cpuSeconds } of tree) {
      coreSeconds += cpuSeconds;
      bytes += memoryBytes(pid);
    }
    const isInDoubt = bytes > this.#memoryBytesMax && tree.length > 1;
    if (isInDoubt) bytes = tree.reduce((sum, { pid }) => sum + exactMemoryBytes(pid), 0);
    const grownBytes = bytes - this.#use.memoryBytes;
    this.#waitMs =
      bytes + grownBytes > this.#memoryBytesMax
        ? SAMPLE_SOON_MS
        : Math.min(SAMPLE_EVERY_MS, 2 * this.#waitMs);
    this.#use = {
      // What an orphan used goes with it; what was once counted stays.
      coreSeconds: Math.max(this.#use.coreSeconds, coreSeconds),
      memoryBytes: bytes,
      peakMemoryBytes: Math.max(this.#use.peakMemoryBytes, bytes),
    };
    if (bytes > this.#memoryBytesMax) this.#onExcess(bytes);
  }

  /** Of those seen at the last look, the ones that still run. */
  alive(): number[] {
    return [...this.#known]
      .filter(([pid, startTicks]) => {
        const now = readProcess(pid);
        return now !== undefined && now.startTicks === startTicks && !now.isZombie;
      })
      .map(([pid]) => pid);
  }

  /** How many were seen at the last look. */
  get knownCount(): number {
    return this.#known.size;
  }

  /** Ends all that were seen and still run. */
  kill(): void {
    for (const pid of this.alive()) killProcess(pid);
  }

  /** The program itself is gone: what it used is settled. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#use = { ...this.#use, memoryBytes: 0 };
  }

  #next(): void {
    this.#timer = setTimeout(() => {
      this.look();
      if (!this.#isOver) this.#next();
    }, this.#waitMs);
    // The child itself keeps the thread's loop alive; the look at it must not.
    this.#timer.unref();
  }
}
