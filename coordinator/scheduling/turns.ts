/**
 * Turns at a licence: a studio whose jobs have waited for a token, and that has none, takes one of a studio that has
 * waited less, though it may be richer in slots. Who has got his only token in this way keeps it while the wait counts,
 * which is for a minute; then shares alone decide again, and who waits next has his turn.
 */
import type { JobEntry, Ledger, LicenceEntry, NodeEntry, StudioEntry } from './ledger.js';
import { mayHaveTokensOn, roomFor, wantOf } from './limits.js';
import { fitting } from './paths.js';
import { findFree, NodesAtHand } from './place.js';

/** Nodes of one giver that are looked at. */
const LOOKED_AT_MAX = 64;

/** Whether the last `slots` of the job are in part what its studio waited for: other studios may not have them. */
export function hasTurn(job: JobEntry, slots: number): boolean {
  for (const licence of job.licences)
    if (waitedFor(licence, job.studio) > 0 && slotsOf(licence, job.studio) <= slots) return true;
  return false;
}

/** Gives a token to each studio whose turn it is, where that can be. */
export function takeTurns(ledger: Ledger): void {
  for (const licence of ledger.licences.values()) {
    if (licence.waitedSteps.size === 0) continue;
    const waiting = new Set<StudioEntry>();
    for (const { studio } of licence.jobs) if (waitedFor(licence, studio) > 0) waiting.add(studio);
    const longestFirst = [...waiting].sort(
      (one, other) =>
        waitedFor(licence, other) - waitedFor(licence, one) || (one.studio < other.studio ? -1 : 1),
    );
    for (const studio of longestFirst) {
      if (slotsOf(licence, studio) > 0) continue;
      for (const job of licence.jobs)
        if (job.studio === studio && isNext(job) && takeTurn(ledger, licence, job)) break;
    }
  }
}

/** No job of its studio that is more important waits: it could take the slot from this one. */
function isNext(job: JobEntry): boolean {
  if (wantOf(job) <= 0) return false;
  for (const other of job.studio.jobs)
    if (other.job.priority > job.job.priority && wantOf(other) > 0) return false;
  return true;
}

function takeTurn(ledger: Ledger, licence: LicenceEntry, job: JobEntry): boolean {
  if (roomFor(job) > 0) {
    const free = findFree(ledger, new NodesAtHand(new Map()), job);
    if (free) return give(ledger, job, free);
  }
  const givers = [...licence.jobs].filter((one) => one.slots > 0 && hasWaitedLess(licence, one, job));
  givers.sort((one, other) => waitedFor(licence, one.studio) - waitedFor(licence, other.studio));
  return givers.some((giver) => takeFrom(ledger, job, giver)) || takeNode(ledger, licence, job);
}

/** The slot where the giver has it, else one that is free elsewhere. */
function takeFrom(ledger: Ledger, job: JobEntry, giver: JobEntry): boolean {
  if (roomFor(job, giver) <= 0) return false;
  let lookedAt = 0;
  for (const entry of giver.nodes.keys()) {
    if (
      entry.nodeClass?.kinds.has(job.kind) &&
      mayHaveTokensOn(entry, job) &&
      fitting(entry, job, giver, 1) > 0
    ) {
      ledger.give(giver, entry, -1);
      return give(ledger, job, entry);
    }
    lookedAt += 1;
    if (lookedAt === LOOKED_AT_MAX) break;
  }
  const left = giver.nodes.keys().next().value!;
  ledger.give(giver, left, -1);
  const free = roomFor(job) > 0 ? findFree(ledger, new NodesAtHand(new Map()), job) : undefined;
  if (free) return give(ledger, job, free);
  ledger.give(giver, left, 1);
  return false;
}

/** Of a licence by node: all who use it on one node leave it. */
function takeNode(ledger: Ledger, licence: LicenceEntry, job: JobEntry): boolean {
  if (licence.policy.per === 'slot' || licence.policy.total === 0) return false;
  for (const entry of [...licence.nodes.keys()].slice(0, LOOKED_AT_MAX)) {
    const users = [...entry.jobs].filter(([user]) => user.licences.includes(licence));
    if (!users.every(([user]) => hasWaitedLess(licence, user, job))) continue;
    for (const [user, slots] of users) ledger.give(user, entry, -slots);
    const free = roomFor(job) > 0 ? findFree(ledger, new NodesAtHand(new Map()), job) : undefined;
    if (free) return give(ledger, job, free);
    for (const [user, slots] of users) ledger.give(user, entry, slots);
  }
  return false;
}

function give(ledger: Ledger, job: JobEntry, entry: NodeEntry): true {
  ledger.give(job, entry, 1);
  job.lastNode = entry;
  return true;
}

/** Its studio has waited less; and it is not its turn at another licence. */
function hasWaitedLess(licence: LicenceEntry, giver: JobEntry, job: JobEntry): boolean {
  const { studio, licences } = giver;
  if (studio === job.studio || waitedFor(licence, studio) >= waitedFor(licence, job.studio)) return false;
  const isTurnAt = (one: LicenceEntry) =>
    one !== licence && waitedFor(one, studio) > 0 && slotsOf(one, studio) <= giver.slots;
  return !licences.some(isTurnAt);
}

function waitedFor({ waitedSteps }: LicenceEntry, { studio }: StudioEntry): number {
  return waitedSteps.get(studio) ?? 0;
}

/** Slots of a studio that use the licence. */
function slotsOf({ jobs }: LicenceEntry, studio: StudioEntry): number {
  let slots = 0;
  for (const job of jobs) if (job.studio === studio) slots += job.slots;
  return slots;
}
