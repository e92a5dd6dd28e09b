/** What a job lacks may be no slot but a count: a licence token, or the limit of its studio. Whoever has it gives it up. */
import { idleOn, type JobEntry, type Ledger, type LicenceEntry, type NodeEntry } from './ledger.js';
import { roomFor } from './limits.js';
import { findFree, NodesAtHand } from './place.js';
import { byPlenty, isRicher, mayTake } from './shares.js';
import { hasTurn } from './turns.js';

/** @returns whether the job has a slot more; if not, nothing has changed. */
export function takeToken(ledger: Ledger, job: JobEntry): boolean {
  if (roomFor(job) <= 0) return takeCounted(ledger, job);
  for (const licence of job.licences)
    if (licence.policy.per === 'node' && licence.nodes.size >= licence.policy.total)
      if (takeNodeToken(ledger, job, licence)) return true;
  return false;
}

/** Somebody gives a slot up anywhere, and the job takes one that is free. */
function takeCounted(ledger: Ledger, job: JobEntry): boolean {
  let giver: JobEntry | undefined;
  const ask = (one: JobEntry) => {
    if (mayTake(job, one) && roomFor(job, one) > 0 && (!giver || byPlenty(one, giver) < 0)) giver = one;
  };
  for (const one of job.studio.jobs) ask(one);
  for (const { jobs } of job.licences) for (const one of jobs) ask(one);
  const entry = giver && findFree(ledger, new NodesAtHand(new Map()), job);
  if (!giver || !entry) return false;
  ledger.give(giver, leastMissed(giver)!, -1);
  give(ledger, job, entry);
  return true;
}

function give(ledger: Ledger, job: JobEntry, entry: NodeEntry): void {
  ledger.give(job, entry, 1);
  job.lastNode = entry;
}

/** All that use the licence on one node leave it at once, if all of them may be made to. */
function takeNodeToken(ledger: Ledger, job: JobEntry, { nodes, policy }: LicenceEntry): boolean {
  if (policy.total === 0) return false;
  for (const entry of [...nodes.keys()]) {
    const users = [...entry.jobs].filter(([user]) =>
      user.licences.some((licence) => licence.nodes === nodes),
    );
    const taken = new Map<unknown, number>();
    const mayAllBeTaken = users.every(([user, slots]) => {
      const ofStudio = (taken.get(user.studio) ?? 0) + slots;
      taken.set(user.studio, ofStudio);
      return user.studio === job.studio
        ? mayTake(job, user, slots)
        : isRicher(user.studio, job.studio, ofStudio) && !hasTurn(user, slots);
    });
    if (!mayAllBeTaken) continue;
    for (const [user, slots] of users) ledger.give(user, entry, -slots);
    const free = findFree(ledger, new NodesAtHand(new Map()), job);
    if (free) {
      give(ledger, job, free);
      return true;
    }
    for (const [user, slots] of users) ledger.give(user, entry, slots);
  }
  return false;
}

/** A node where the job renders nothing, if there is one, else any that is there. */
export function leastMissed(job: JobEntry): NodeEntry | undefined {
  let any: NodeEntry | undefined;
  let lost: NodeEntry | undefined;
  for (const [entry, slots] of job.nodes) {
    if (!entry.nodeClass) lost ??= entry;
    else if (idleOn(entry, job, slots) > 0) return entry;
    else any ??= entry;
  }
  return any ?? lost;
}
