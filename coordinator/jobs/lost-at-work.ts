/** What an agent's end does to the tiles that it rendered (tiles-at-work.ts): counted here, told and withdrawn by others. */
import { lossConsequence } from '../recovery/tiles-at-work.js';
import type { LiveJob } from './live-job.js';
import type { QueuedTile } from './queued-tiles.js';
import { isAttemptLive, type LiveAttempt, liveAttempts } from './tile-case.js';

export interface CountedLoss {
  readonly lost: QueuedTile;
  /** Agents that have ended with the tile, this one included. */
  readonly losses: number;
}

export interface LossesCounted {
  /** Tiles that go to others. */
  readonly kept: readonly QueuedTile[];
  /** Planned anew, apart from other such tiles, with the attempts that were in the queue. */
  readonly isolated: readonly (CountedLoss & { readonly attempts: readonly LiveAttempt[] })[];
  /** Attempts that are to be reported as failed. */
  readonly failed: readonly CountedLoss[];
}

/**
 * @param tiles  what no node has any more.
 * @param atWork those of them that were in a slot's thread when an agent ended.
 */
export function countLosses(
  job: LiveJob,
  tiles: readonly QueuedTile[],
  atWork: readonly QueuedTile[],
): LossesCounted {
  const kept = new Set(tiles);
  const isolated: (CountedLoss & { attempts: readonly LiveAttempt[] })[] = [];
  const failed: CountedLoss[] = [];
  for (const lost of atWork) {
    const { open, tile, attempt } = lost;
    // Isolated a moment ago, when its other attempt was lost.
    if (!isAttemptLive(open, tile, attempt)) continue;
    const losses = job.countLoss(open, tile);
    const consequence = lossConsequence(losses);
    if (consequence === 'goes on') continue;
    kept.delete(lost);
    if (consequence === 'isolated') {
      isolated.push({ lost, losses, attempts: liveAttempts(open, tile) });
      job.isolate(open, tile);
    } else failed.push({ lost, losses });
  }
  return { kept: [...kept], isolated, failed };
}
