/** A tile's control as the agent's, which notes how the renderer uses it, and acts when it is at work. */
import type { TileControl } from '#node-agent/renderers/renderer.js';

/** Then a renderer is in the middle of a slow tile, and a program has been started for it. */
const AT_WORK_AFTER_MS = 1_000;

export class WatchedControl implements TileControl {
  /** Told so far. */
  readonly progressRatios: number[] = [];
  /** The longest time between two questions. */
  longestSilenceMs = 0;
  /** Set: the renderer is told so from then on. */
  cancelledAtMs: number | undefined;
  #firstAskedAtMs: number | undefined;
  #askedAtMs: number | undefined;
  #act: ((control: this) => boolean) | undefined;

  /** @param act  called with each question once the tile is at work, until it returns true: it has acted. What it throws the renderer gets. */
  constructor(act?: (control: WatchedControl) => boolean) {
    this.#act = act;
  }

  isCancelled(): boolean {
    const nowMs = performance.now();
    if (this.#askedAtMs !== undefined)
      this.longestSilenceMs = Math.max(this.longestSilenceMs, nowMs - this.#askedAtMs);
    this.#askedAtMs = nowMs;
    this.#firstAskedAtMs ??= nowMs;
    const isAtWork = nowMs - this.#firstAskedAtMs >= AT_WORK_AFTER_MS;
    if (isAtWork && this.#act?.(this)) this.#act = undefined;
    return this.cancelledAtMs !== undefined;
  }

  progress(ratio: number): void {
    this.progressRatios.push(ratio);
  }

  cancel(): void {
    this.cancelledAtMs ??= performance.now();
  }
}
