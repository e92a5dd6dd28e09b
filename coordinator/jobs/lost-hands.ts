/** What agents that are lost had told that they had in hand: which of it goes to others, and what may have ended them. */
import type { HeldAttempt } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import type { Instance, LostInstance } from '../recovery/instances.js';
import { attemptKey, heldKey, tilesOfLostNodes } from '../recovery/lost-tiles.js';
import { spareSlots, tilesAtWork } from '../recovery/tiles-at-work.js';
import type { LostAgent } from '../recovery/untold-tiles.js';
import type { LiveJob } from './live-job.js';
import { type QueuedTile, queuedTiles } from './queued-tiles.js';

/** Whether nobody waits for an attempt any more. */
export type IsOver = (jobId: JobId, held: HeldAttempt) => boolean;

/** What a lost agent had in hand of one job. */
export interface LostHand {
  readonly instance: Instance;
  /** How it was lost, for people. */
  readonly how: string;
  readonly attempts: readonly HeldAttempt[];
  /** Keys of those that were in a slot's thread when something ended it. */
  readonly atWork: ReadonlySet<string>;
}

export interface TakenHand {
  readonly hand: LostHand;
  /** They are with nobody any more. */
  readonly tiles: readonly QueuedTile[];
  /** Those of them that were in a slot's thread. */
  readonly atWork: readonly QueuedTile[];
}

export function lostHands(lost: readonly LostInstance[], isOver: IsOver): Map<JobId, LostHand[]> {
  const byJob = new Map<JobId, LostHand[]>();
  for (const { instance, how, isCrash } of lost) {
    const { heartbeat } = instance;
    const atWork = isCrash ? tilesAtWork(heartbeat, isOver) : undefined;
    for (const { jobId, attempts } of heartbeat.inHand) {
      const hands = byJob.get(jobId) ?? [];
      byJob.set(jobId, hands);
      hands.push({ instance, how, attempts, atWork: new Set(atWork?.get(jobId)?.map(heldKey)) });
    }
  }
  return byJob;
}

/** Takes a job's tiles from lost agents, which are to know it should they come back. */
export function takeFromHands(
  job: LiveJob,
  hands: readonly LostHand[],
  liveHands: readonly HeldAttempt[],
): TakenHand[] {
  const tilesOf = tilesOfLostNodes(queuedTiles(job), liveHands);
  return hands.map((hand) => {
    const tiles = tilesOf(hand.attempts);
    const keys = tiles.map(({ frame, tile, attempt }) => attemptKey(frame, tile, attempt));
    hand.instance.givenAway.set(job.jobId, new Set(keys));
    return { hand, tiles, atWork: tiles.filter((_, index) => hand.atWork.has(keys[index]!)) };
  });
}

/** What is to be known of it when tiles are looked for that it had not told of. */
export function lostAgent({ instance, isCrash }: LostInstance, isOver: IsOver, lostAtMs: number): LostAgent {
  const { nodeId, heartbeat, lastHeartbeatAtMs } = instance;
  const spare = isCrash ? spareSlots(heartbeat, isOver) : 0;
  return { nodeId, lostAtMs, lastHeardAtMs: lastHeartbeatAtMs, spareSlots: spare };
}
