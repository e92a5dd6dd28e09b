/** Takes from those who have more than limits allow: a limit was lowered, or a job has less to do. */

import { first } from './first.js';
import { idleOn, type JobEntry, type Ledger, type LicenceEntry, type NodeEntry } from './ledger.js';
import { wantOf } from './limits.js';
import { byLevel, byPlenty } from './shares.js';
import { leastMissed } from './tokens.js';

/** Slots above the job's own demand and limit. */
export function shedJob(ledger: Ledger, job: JobEntry): void {
  let excess = -wantOf(job);
  if (excess <= 0) return;
  if (job.slotsMax === 0) {
    for (const [entry, slots] of [...job.nodes]) ledger.give(job, entry, -slots);
    return;
  }
  const nodes = [...job.nodes].sort(([one], [other]) => Number(!one.nodeClass) - Number(!other.nodeClass));
  for (const isIdleOnly of [true, false])
    for (const [entry] of nodes) {
      const has = job.nodes.get(entry) ?? 0;
      const slots = Math.min(excess, isIdleOnly ? idleOn(entry, job, has) : has);
      ledger.give(job, entry, -slots);
      excess -= slots;
      if (excess === 0) return;
    }
}

/** Slots above what studios and licences allow: of whoever has most for its share, the least important first. */
export function shedCounted(ledger: Ledger): void {
  for (const studio of ledger.studios.values()) {
    const { maxSlots } = studio.policy;
    while (maxSlots > 0 && studio.slots > maxSlots) {
      const loser = first(withSlots(studio.jobs), byPlenty)!;
      ledger.give(loser, leastMissed(loser)!, -1);
    }
  }
  for (const licence of ledger.licences.values()) {
    if (licence.policy.per === 'slot')
      while (licence.slots > licence.policy.total) {
        const loser = first(withSlots(licence.jobs), byLoss)!;
        ledger.give(loser, leastMissed(loser)!, -1);
      }
    else shedNodes(ledger, licence);
  }
}

function shedNodes(ledger: Ledger, { nodes, policy, jobs }: LicenceEntry): void {
  if (nodes.size <= policy.total) return;
  const losers = [...nodes.keys()].sort((one, other) => cost(one, jobs) - cost(other, jobs));
  for (const entry of losers.slice(0, nodes.size - policy.total))
    for (const [user, slots] of [...entry.jobs]) if (jobs.has(user)) ledger.give(user, entry, -slots);
}

/** What is lost when the jobs leave the node: what renders counts most. */
function cost(entry: NodeEntry, jobs: ReadonlySet<JobEntry>): number {
  let busy = 0;
  let slots = 0;
  for (const [job, count] of entry.jobs) {
    if (!jobs.has(job)) continue;
    busy += count - idleOn(entry, job, count);
    slots += count;
  }
  return 1024 * busy + slots;
}

function byLoss(one: JobEntry, other: JobEntry): number {
  return one.studio === other.studio ? byPlenty(one, other) : byLevel(other.studio, one.studio);
}

function withSlots(jobs: ReadonlySet<JobEntry>): readonly JobEntry[] {
  return [...jobs].filter(({ slots }) => slots > 0);
}
