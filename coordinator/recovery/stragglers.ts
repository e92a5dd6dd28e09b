/**
 * Which tiles hold the end of a job back and are worth a second copy. Pure functions of what nodes say they have in hand.
 *
 * Two ways to be one: it has been in a slot's thread for far longer than it should take; or it has waited as long
 * on a node whose slots are all busy, while slots of others idle.
 */
import type { Heartbeat, HeldAttempt } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { heldKey } from './lost-tiles.js';

/** Below it a copy would cost more than it saves: heartbeats come once a second. */
const STRAGGLER_MS_MIN = 2_000;
/** Render times within a frame differ by that much by nature. */
const STRAGGLER_RATIO = 3;

/** An attempt in a node's hand. */
export interface Hold {
  readonly jobId: JobId;
  readonly nodeId: NodeId;
  readonly held: HeldAttempt;
  readonly isRendering: boolean;
  /** Since when, as far as this coordinator has seen: in hand, or in a slot's thread. */
  readonly sinceMs: number;
}

/** By instance and attempt. */
export type Holds = ReadonlyMap<string, Hold>;

/** Goes on with what was known: an attempt that moves into a slot's thread begins anew. */
export function trackHolds(
  before: Holds,
  heartbeats: Iterable<Pick<Heartbeat, 'nodeId' | 'instanceId' | 'inHand'>>,
  jobIds: ReadonlySet<JobId>,
  nowMs: number,
): Holds {
  const holds = new Map<string, Hold>();
  for (const { nodeId, instanceId, inHand } of heartbeats) {
    for (const { jobId, attempts, rendering = 0 } of inHand) {
      if (!jobIds.has(jobId)) continue;
      for (const [index, held] of attempts.entries()) {
        const key = `${instanceId}/${jobId}/${heldKey(held)}`;
        const isRendering = index < rendering;
        const known = before.get(key);
        if (known?.isRendering === isRendering) holds.set(key, known);
        else holds.set(key, { jobId, nodeId, held, isRendering, sinceMs: nowMs });
      }
    }
  }
  return holds;
}

export interface Worker {
  readonly nodeId: NodeId;
  readonly slots: number;
  readonly slotsBusy: number;
}

export interface StragglerQuestion {
  /** Of one job. */
  readonly holds: readonly Hold[];
  /** Nodes that may take tiles of the job. */
  readonly workers: readonly Worker[];
  /** What that tile takes, as tiles of its job go: they differ in size where costs are known. 0: not known. */
  expectedMs(hold: Hold): number;
  readonly nowMs: number;
  /** Whether a second copy is allowed, and which nodes would not take it. */
  copyable(hold: Hold): { readonly avoid: readonly NodeId[] } | undefined;
}

/** @returns attempts to copy, the oldest first, one per tile, and no more than slots of other nodes idle. */
export function stragglers({ holds, workers, expectedMs, nowMs, copyable }: StragglerQuestion): Hold[] {
  const idle = new Map<NodeId, number>();
  for (const { nodeId, slots, slotsBusy } of workers)
    if (slotsBusy < slots) idle.set(nodeId, slots - slotsBusy);
  const late = holds
    .filter((hold) => {
      // What waits on a node with a free slot starts there this moment.
      const isStuck = hold.isRendering || !idle.has(hold.nodeId);
      const tooLongMs = Math.max(STRAGGLER_MS_MIN, STRAGGLER_RATIO * expectedMs(hold));
      return isStuck && nowMs - hold.sinceMs > tooLongMs;
    })
    .sort((a, b) => a.sinceMs - b.sinceMs);
  const chosen = new Map<string, Hold>();
  for (const hold of late) {
    if (idle.size === 0) break;
    const [frame, tile] = hold.held;
    if (chosen.has(`${frame}/${tile}`)) continue;
    const allowed = copyable(hold);
    if (!allowed) continue;
    const taker = findTaker(idle, [hold.nodeId, ...allowed.avoid]);
    if (taker === undefined) continue;
    const free = idle.get(taker)! - 1;
    if (free > 0) idle.set(taker, free);
    else idle.delete(taker);
    chosen.set(`${frame}/${tile}`, hold);
  }
  return [...chosen.values()];
}

function findTaker(idle: ReadonlyMap<NodeId, number>, unwanted: readonly NodeId[]): NodeId | undefined {
  for (const nodeId of idle.keys()) if (!unwanted.includes(nodeId)) return nodeId;
  return undefined;
}
