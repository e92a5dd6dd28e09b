/** What a job may have at most, whatever is free: its own demand and limit, its studio's, and licence tokens. Pure. */
import type { Studio } from '#shared/domain/ids.js';
import {
  type FarmJob,
  type LicencePolicy,
  type SchedulingPolicy,
  STUDIO_DEFAULT,
  type StudioPolicy,
} from './farm-model.js';
import type { JobEntry, NodeEntry } from './ledger.js';

const NO_TOKENS: LicencePolicy = { total: 0, per: 'slot' };

export function studioPolicy({ studios }: SchedulingPolicy, studio: Studio): StudioPolicy {
  return studios.get(studio) ?? STUDIO_DEFAULT;
}

export function licencePolicy({ licences }: SchedulingPolicy, name: string): LicencePolicy {
  return licences.get(name) ?? NO_TOKENS;
}

/** Slots that the job could use and is allowed by its own limit. */
export function slotsMaxOf({ gate, demand, nodesMin, maxSlots }: FarmJob): number {
  if (gate || demand <= 0) return 0;
  // Its last tile may be one that the first node leaves to others.
  const wanted = Math.max(demand, nodesMin);
  return maxSlots > 0 ? Math.min(wanted, maxSlots) : wanted;
}

/** Slots that it lacks by its own measure; below 0: it has too many. */
export function wantOf({ slotsMax, slots }: JobEntry): number {
  return slotsMax - slots;
}

/**
 * How many slots more the job may have, as far as counts tell.
 * @param giver  a job that gives up as many: what both of them count against is no hindrance.
 */
export function roomFor(job: JobEntry, giver?: JobEntry): number {
  const { studio } = job;
  let room = wantOf(job);
  if (studio.policy.maxSlots > 0 && giver?.studio !== studio)
    room = Math.min(room, studio.policy.maxSlots - studio.slots);
  for (const licence of job.licences)
    if (licence.policy.per === 'slot' && !giver?.licences.includes(licence))
      room = Math.min(room, licence.policy.total - licence.slots);
  return room;
}

/** Whether the node has, or may get, a token of each of the job's licences that are counted by node. */
export function mayHaveTokensOn(entry: NodeEntry, job: JobEntry): boolean {
  for (const { policy, nodes } of job.licences)
    if (policy.per === 'node' && !nodes.has(entry) && nodes.size >= policy.total) return false;
  return true;
}

/** Where licences by node leave the job room, if that is not everywhere. */
export function nodesWithTokens(job: JobEntry): ReadonlyMap<NodeEntry, number> | undefined {
  let fewest: ReadonlyMap<NodeEntry, number> | undefined;
  for (const { policy, nodes } of job.licences)
    if (policy.per === 'node' && nodes.size >= policy.total && (!fewest || nodes.size < fewest.size))
      fewest = nodes;
  return fewest;
}
