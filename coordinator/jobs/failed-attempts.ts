/**
 * Who tried an open frame's tiles in vain, so that a tile that fails for good can say so. In memory only: after a restart
 * the results stream tells it again. A tile whose next attempt works is forgotten with its frame.
 */
import { LIMITS } from '#shared/limits.js';
import type { FailedAttempt } from '../adapters/store/records.js';

export class FailedAttempts {
  /** By tile; the tile that failed longest ago first. */
  private readonly tiles = new Map<number, FailedAttempt[]>();
  private count = 0;

  add(tile: number, failed: FailedAttempt): void {
    const attempts = this.tiles.get(tile) ?? [];
    attempts.push(failed);
    this.tiles.delete(tile);
    this.tiles.set(tile, attempts);
    this.count++;
    // A frame that fails everywhere at once must not fill the memory with logs that are all alike.
    for (const [other, old] of this.tiles) {
      if (this.count <= LIMITS.failedAttemptsPerFrameMax || other === tile) return;
      this.tiles.delete(other);
      this.count -= old.length;
    }
  }

  /** In the order in which they ended. */
  of(tile: number): readonly FailedAttempt[] {
    return this.tiles.get(tile) ?? [];
  }
}
