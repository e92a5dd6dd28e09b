/** Gives away what is free: always to the studio that has least for its share, within it to the job in most need. */

import { first } from './first.js';
import { freeSlots, type JobEntry, type Ledger, type NodeEntry, roomOn, type StudioEntry } from './ledger.js';
import { roomFor, wantOf } from './limits.js';
import type { Kind } from './node-classes.js';
import { findFree, NodesAtHand } from './place.js';
import { byLevel, byNeed } from './shares.js';

/** A studio gets at once this part of what is free for its share: few large steps first, single slots last. */
const PART_AT_ONCE = 1 / 4;

/** @returns whether anything was given. */
export function fill(ledger: Ledger, warmNodes: ReadonlyMap<string, ReadonlySet<NodeEntry>>): boolean {
  if (ledger.classes.freeSlots === 0) return false;
  const waiting = waitingJobs(ledger);
  const atHand = new NodesAtHand(warmNodes);
  /** Memory for which no slot was found, by kind. */
  const vain = new Map<Kind, number>();
  let shares = 0;
  for (const { policy } of waiting.keys()) shares += policy.share;
  let hasGiven = false;
  while (waiting.size > 0 && ledger.classes.freeSlots > 0) {
    const studio = first(waiting.keys(), byLevel)!;
    const jobs = waiting.get(studio)!;
    const job = first(jobs, byNeed)!;
    const room = roomFor(job);
    const isInVain = (vain.get(job.kind) ?? Number.POSITIVE_INFINITY) <= job.job.slotMemoryBytes;
    const entry = room > 0 && !isInVain ? findFree(ledger, atHand, job) : undefined;
    if (!entry && room > 0 && job.licences.length === 0 && !isInVain)
      vain.set(job.kind, job.job.slotMemoryBytes);
    if (entry) {
      hasGiven = true;
      const part = (PART_AT_ONCE * ledger.classes.freeSlots * studio.policy.share) / shares / jobs.size;
      give(ledger, job, entry, Math.min(room, Math.max(1, Math.floor(part))));
    }
    // What it could not get it cannot get later: less and less is free.
    if (!entry || wantOf(job) <= 0) jobs.delete(job);
    if (jobs.size === 0) {
      waiting.delete(studio);
      shares -= studio.policy.share;
    }
  }
  return hasGiven;
}

function give(ledger: Ledger, job: JobEntry, entry: NodeEntry, slotsMax: number): void {
  let slots = Math.min(slotsMax, roomOn(entry, job), freeSlots(entry));
  // Some are left for as many nodes as it needs.
  if (job.nodes.size < job.job.nodesMin && job.job.nodesMin > 1) slots = 1;
  ledger.give(job, entry, slots);
  job.lastNode = entry;
}

function waitingJobs({ studios }: Ledger): Map<StudioEntry, Set<JobEntry>> {
  const waiting = new Map<StudioEntry, Set<JobEntry>>();
  for (const studio of studios.values()) {
    const jobs = new Set<JobEntry>();
    for (const job of studio.jobs) if (wantOf(job) > 0) jobs.add(job);
    if (jobs.size > 0) waiting.set(studio, jobs);
  }
  return waiting;
}
