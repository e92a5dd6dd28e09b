/** A job that needs more memory than one slot of others leaves takes as many slots on one node as free it. */
import { freeMemoryBytes, freeSlots, type JobEntry, type Ledger, type NodeEntry } from './ledger.js';
import { mayHaveTokensOn, roomFor } from './limits.js';
import { byLevel, byPlenty, isRicher } from './shares.js';
import { hasTurn } from './turns.js';

/** Nodes that are looked at in one search; the next one goes on after them. */
const LOOKED_AT_MAX = 128;

/**
 * @param givers  who may have to give.
 * @returns       whether the job has more slots.
 */
export function makeRoom(ledger: Ledger, job: JobEntry, givers: Iterable<JobEntry>): boolean {
  if (job.job.slotMemoryBytes === 0 || roomFor(job) <= 0) return false;
  const end = job.searchedNodes + LOOKED_AT_MAX;
  const slotsBefore = job.slots;
  let searched = 0;
  for (const giver of givers)
    for (const [nodeClass, nodes] of [...giver.classes]) {
      if (!nodeClass.kinds.has(job.kind)) continue;
      if (searched + nodes.size <= job.searchedNodes) {
        searched += nodes.size;
        continue;
      }
      // They change on the way.
      for (const entry of [...nodes.keys()]) {
        searched += 1;
        if (searched <= job.searchedNodes) continue;
        if (searched > end) {
          job.searchedNodes = end;
          return job.slots > slotsBefore;
        }
        while (mayHaveEnough(entry, job) && makeRoomOn(ledger, entry, job))
          if (roomFor(job) <= 0) return true;
      }
    }
  job.searchedNodes = 0;
  return job.slots > slotsBefore;
}

function makeRoomOn(ledger: Ledger, entry: NodeEntry, job: JobEntry): boolean {
  const losses = lossesOn(entry, job);
  if (!losses) return false;
  for (const [loser, slots] of losses) ledger.give(loser, entry, -slots);
  ledger.give(job, entry, 1);
  job.lastNode = entry;
  return true;
}

/** Whether it would do if everyone gave all that he has on the node. */
function mayHaveEnough(entry: NodeEntry, job: JobEntry): boolean {
  let bytes = freeMemoryBytes(entry);
  for (const [loser, slots] of entry.jobs)
    if (loser.job.slotMemoryBytes > 0 && mayLose(job, loser, 1, 1))
      bytes += slots * loser.job.slotMemoryBytes;
  return bytes >= job.job.slotMemoryBytes;
}

/** @returns what whom is to be taken on the node for one slot of the job; nothing: it cannot be. */
function lossesOn(entry: NodeEntry, job: JobEntry): ReadonlyMap<JobEntry, number> | undefined {
  const needBytes = job.job.slotMemoryBytes;
  if (entry.node.memoryBytes < needBytes || !mayHaveTokensOn(entry, job)) return undefined;
  let bytes = freeMemoryBytes(entry);
  let slots = freeSlots(entry);
  const losses = new Map<JobEntry, number>();
  const studioLosses = new Map<unknown, number>();
  const losers = [...entry.jobs.keys()].sort((one, other) => byLevelDown(one, other) || byPlenty(one, other));
  for (const loser of losers) {
    for (let taken = 1; taken <= entry.jobs.get(loser)!; taken++) {
      if (bytes >= needBytes && slots > 0) return losses;
      const ofStudio = (studioLosses.get(loser.studio) ?? 0) + 1;
      if (!mayLose(job, loser, taken, ofStudio)) break;
      // One that needs no memory frees none.
      if (slots > 0 && loser.job.slotMemoryBytes === 0) break;
      studioLosses.set(loser.studio, ofStudio);
      losses.set(loser, taken);
      bytes += loser.job.slotMemoryBytes;
      slots += 1;
    }
  }
  return bytes >= needBytes && slots > 0 ? losses : undefined;
}

/** Whether the loser may lose `slots` to the job when its studio loses `studioSlots`. */
function mayLose(job: JobEntry, loser: JobEntry, slots: number, studioSlots: number): boolean {
  if (loser === job) return false;
  if (loser.studio !== job.studio)
    return isRicher(loser.studio, job.studio, studioSlots) && !hasTurn(loser, slots);
  const lead = job.job.priority - loser.job.priority;
  return lead > 0 || (lead === 0 && loser.slots - slots > job.slots);
}

function byLevelDown({ studio: one }: JobEntry, { studio: other }: JobEntry): number {
  return one === other ? 0 : byLevel(other, one);
}
