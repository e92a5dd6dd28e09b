/**
 * What the main thread makes of a tile at work by looking at its control block now and then: whether it shows signs of
 * life, gets on, and stays within its time.
 */
import { type ControlBlock, isAtWork, memoryBytes, progressRatio, signsOfLife } from './tile-control.js';
import { type TileLimits, timeText } from './tile-limits.js';

/** Why a tile is ended. */
export interface Verdict {
  readonly code: 'TILE_TIME_LIMIT' | 'TILE_STALLED' | 'TILE_MEMORY_LIMIT';
  readonly message: string;
  /** It hears nothing any more: its thread is ended at once. */
  readonly isDeaf: boolean;
}

export class TileWatch {
  readonly #block: ControlBlock;
  #begunAtMs: number | undefined;
  #life = 0;
  #aliveAtMs = 0;
  #progressRatio = 0;
  #progressAtMs = 0;

  constructor(block: ControlBlock) {
    this.#block = block;
  }

  /** As far as the looks tell; 0 before its beginning. */
  elapsedMs(nowMs: number): number {
    return this.#begunAtMs === undefined ? 0 : nowMs - this.#begunAtMs;
  }

  /** Since its last sign of life; 0 unless it is at work. */
  silentMs(nowMs: number): number {
    return this.#begunAtMs === undefined ? 0 : nowMs - this.#aliveAtMs;
  }

  /** The process was stopped for so long, or did not get to look: that is held against no tile. */
  discount(lostMs: number): void {
    if (this.#begunAtMs === undefined) return;
    this.#begunAtMs += lostMs;
    this.#aliveAtMs += lostMs;
    this.#progressAtMs += lostMs;
  }

  get isAtWork(): boolean {
    return isAtWork(this.#block);
  }

  /** What its thread used when it measured last. */
  get memoryBytes(): number {
    return memoryBytes(this.#block);
  }

  look(nowMs: number, silentMsMax: number, limits: () => TileLimits): Verdict | undefined {
    if (!isAtWork(this.#block)) {
      this.#begunAtMs = undefined;
      return undefined;
    }
    const life = signsOfLife(this.#block);
    const ratio = progressRatio(this.#block);
    const isFirstLook = this.#begunAtMs === undefined;
    this.#begunAtMs ??= nowMs;
    if (isFirstLook || life !== this.#life || ratio !== this.#progressRatio) this.#aliveAtMs = nowMs;
    if (isFirstLook || ratio !== this.#progressRatio) this.#progressAtMs = nowMs;
    this.#life = life;
    this.#progressRatio = ratio;
    if (isFirstLook) return undefined;
    return this.#judge(nowMs, silentMsMax, limits());
  }

  #judge(nowMs: number, silentMsMax: number, limits: TileLimits): Verdict | undefined {
    const silentMs = nowMs - this.#aliveAtMs;
    if (silentMs > silentMsMax) {
      const message = `the renderer showed no sign of life for ${timeText(silentMs)}; its thread was ended`;
      return { code: 'TILE_STALLED', message, isDeaf: true };
    }
    if (this.elapsedMs(nowMs) > limits.timeMs) {
      const message = `it had not finished after ${timeText(limits.timeMs)}; ${limits.timeRule}`;
      return { code: 'TILE_TIME_LIMIT', message, isDeaf: false };
    }
    const stalledMs = nowMs - this.#progressAtMs;
    const ratio = this.#progressRatio;
    if (ratio > 0 && ratio < 1 && stalledMs > limits.stallMs) {
      const message = `its progress stood at ${Math.floor(100 * ratio)}% for ${timeText(stalledMs)}`;
      return { code: 'TILE_STALLED', message, isDeaf: false };
    }
    return undefined;
  }
}
