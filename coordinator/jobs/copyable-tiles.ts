/** Whether a tile may be queued a second time (stragglers.ts says which of them are worth it). */
import type { NodeId } from '#shared/domain/ids.js';
import { attemptKey, heldKey } from '../recovery/lost-tiles.js';
import type { Hold } from '../recovery/stragglers.js';
import type { LiveFrame } from './live-frame.js';
import type { LiveJob } from './live-job.js';
import { queuedTiles } from './queued-tiles.js';
import { liveAttempts, unwantedNodes } from './tile-case.js';

/** Nothing waits in the stream that an idle node could take instead: every queued tile is in the hand of some node. */
export function isQueueDry(job: LiveJob, holds: readonly Hold[]): boolean {
  const held = new Set(holds.map((hold) => heldKey(hold.held)));
  const waiting = new Map<string, boolean>();
  for (const { frame, tile, attempt } of queuedTiles(job)) {
    const key = `${frame}/${tile}`;
    waiting.set(key, (waiting.get(key) ?? true) && !held.has(attemptKey(frame, tile, attempt)));
  }
  return ![...waiting.values()].includes(true);
}

/**
 * A copy is an attempt like any other, and its failure counts. So it is made only for a tile that can afford that: a tile
 * whose first attempt still renders is never given up for its copy.
 * @returns the nodes that would not take the copy; nothing where none is to be made.
 */
export function copyableTile(
  job: LiveJob,
  frame: LiveFrame | undefined,
  { held: [, tile, attempt] }: Hold,
): { readonly avoid: readonly NodeId[] } | undefined {
  if (frame?.state !== 'rendering') return undefined;
  const live = liveAttempts(frame, tile);
  const isOnlyOne = live.length === 1 && live[0]!.attempt === attempt;
  const isSuspect = (frame.cases.get(tile)?.losses ?? 0) > 0;
  const canAfford = job.failureCount(frame, tile) + 1 < job.record.maxAttempts;
  return isOnlyOne && !isSuspect && canAfford ? { avoid: unwantedNodes(frame, tile) } : undefined;
}
