/**
 * The memory of one slot, watched from inside its thread: the JS heap and the array buffers of the thread's own isolate
 * (`v8.getHeapStatistics`, 0.5 µs per call, measured; `process.memoryUsage` reads the process's size as well, 8 µs).
 * SharedArrayBuffers are in no isolate's number: prepared frames count once, for the process (slot-memory.ts). Memory that
 * native code takes for itself is seen only in the size of the process, which the render pool watches.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FarmError } from '#shared/errors.js';
import { memoryMessage } from './slot-memory.js';
import { type ControlBlock, storeExcess, storeMemory } from './tile-control.js';

const LOOK_EVERY_MS = 100;
/** A collection takes as long as some tiles: not more often than this where rubbish alone was over the limit. */
const COLLECT_EVERY_MS = 1_000;
/** After a tile that went over the limit: a thread that still holds more than this part of it is worth replacing. */
const LEFT_PART_MAX = 0.5;

export class MemoryGuard {
  readonly #limitBytes: number;
  #peakBytes = 0;
  #lookAtMs = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  begin(): void {
    this.#peakBytes = 0;
    this.#lookAtMs = performance.now() + LOOK_EVERY_MS;
  }

  /** The most that was seen in use since the tile began. */
  peakBytes(): number {
    this.#peakBytes = Math.max(this.#peakBytes, usedBytes());
    return this.#peakBytes;
  }

  /** Cheap enough for every question of a renderer. @throws TILE_MEMORY_LIMIT */
  look(block: ControlBlock): void {
    const nowMs = performance.now();
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    let bytes = usedBytes();
    if (bytes > this.#limitBytes) {
      // Rubbish is not held against a tile.
      collect();
      bytes = usedBytes();
      this.#lookAtMs = performance.now() + COLLECT_EVERY_MS;
    }
    storeMemory(block, bytes);
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
    if (bytes > this.#limitBytes)
      throw new FarmError('TILE_MEMORY_LIMIT', memoryMessage('its slot', bytes, this.#limitBytes));
  }

  /** After a tile that went over the limit. @returns true when the thread does not get rid of it; the block then says so. */
  isStuck(block: ControlBlock): boolean {
    collect();
    if (usedBytes() <= LEFT_PART_MAX * this.#limitBytes) return false;
    storeExcess(block, this.#peakBytes);
    return true;
  }
}

function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

let gc: (() => void) | undefined;

/** Node offers no collection on demand without a flag for the whole process; V8 takes the flag late, for new contexts. */
function collect(): void {
  if (!gc) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  gc();
}
