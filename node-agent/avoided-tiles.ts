/**
 * Tiles of a job that this node is to leave to others, as their messages ask. Such a tile goes back at once, to whichever
 * other node waits for one. When it comes straight back, nobody waits: it then goes back with a short delay, and the node
 * asks for the tile behind it, one by one until it finds one that it may render, or has gone round: then there is nothing
 * else, and it pauses, ever longer.
 *
 * The tile cannot starve: this node withholds it for `LOOK_PAST_MS` at a time, and then it is as near to any other node.
 * Nor does this node, as long as it can look past all of them in that time.
 */
const LOOK_PAST_MS = 100;
const FIRST_PAUSE_MS = 250;
const PAUSE_MS_MAX = 2_000;
/** A tile that did not come for so long was with somebody else meanwhile. */
const REMEMBERED_MS = 10_000;
const REMEMBERED_MAX = 1_024;

/** Of one job. Times by any clock that only goes forward. */
export class AvoidedTiles {
  readonly #seenAtMs = new Map<string, number>();
  /** Looked past since a tile came that may be rendered here. */
  readonly #round = new Set<string>();
  #pauseMs = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  /** Only such tiles came of late: one is asked for at a time. */
  get isOn(): boolean {
    return this.#pauseMs > 0 || this.#round.size > 0;
  }

  /**
   * An avoided tile came.
   * @param key of the attempt.
   * @param asksOut more tiles were asked for and have not come: they should not all bring the same one.
   * @returns after how long it may go to anybody, and for how long this node pulls nothing, ms.
   */
  came(
    key: string,
    asksOut: boolean,
    nowMs: number,
  ): { readonly returnAfterMs: number; readonly pauseMs: number } {
    const isNew = nowMs - (this.#seenAtMs.get(key) ?? Number.NEGATIVE_INFINITY) >= REMEMBERED_MS;
    this.#remember(key, nowMs);
    if (isNew) return { returnAfterMs: 0, pauseMs: this.#pauseLeftMs(nowMs) };
    const isRoundOver = this.#round.has(key);
    this.#round.add(key);
    if (isRoundOver) {
      this.#round.clear();
      // Once per pause, however many pulls are still out.
      if (nowMs >= this.#pausedUntilMs) {
        this.#pauseMs = Math.min(PAUSE_MS_MAX, Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs));
        this.#pausedUntilMs = nowMs + this.#pauseMs;
      }
    }
    return {
      returnAfterMs: isRoundOver && !asksOut ? 0 : LOOK_PAST_MS,
      pauseMs: this.#pauseLeftMs(nowMs),
    };
  }

  /** A tile came that may be rendered here. @returns true when a pause may end with it. */
  otherCame(): boolean {
    if (!this.isOn) return false;
    this.#round.clear();
    this.#pauseMs = 0;
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY;
    return true;
  }

  #pauseLeftMs(nowMs: number): number {
    return Math.max(0, this.#pausedUntilMs - nowMs);
  }

  #remember(key: string, nowMs: number): void {
    // Oldest first.
    this.#seenAtMs.delete(key);
    this.#seenAtMs.set(key, nowMs);
    for (const [old, atMs] of this.#seenAtMs) {
      if (this.#seenAtMs.size <= REMEMBERED_MAX && nowMs - atMs < REMEMBERED_MS) return;
      this.#seenAtMs.delete(old);
    }
  }
}
