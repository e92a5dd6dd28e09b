/** Says in words what is wrong with an allocation: slow and plain, and written without the scheduler's own code. */
import type {
  Allocation,
  FarmJob,
  FarmNode,
  SchedulingPolicy,
  StudioPolicy,
} from '#coordinator/scheduling/farm-model.js';
import type { RandomFarm } from './random-farm.js';

export class Uses {
  readonly farm: RandomFarm;
  readonly allocation: Allocation;

  constructor(farm: RandomFarm, allocation: Allocation) {
    this.farm = farm;
    this.allocation = allocation;
  }

  on(node: FarmNode, job: FarmJob): number {
    return this.allocation.get(node.nodeId)?.get(job.jobId) ?? 0;
  }

  ofJob(job: FarmJob): number {
    return sum(this.farm.nodes.map((node) => this.on(node, job)));
  }

  ofStudio(studio: string): number {
    return sum(this.farm.jobs.filter((job) => job.studio === studio).map((job) => this.ofJob(job)));
  }

  slotsOn(node: FarmNode): number {
    return sum(this.farm.jobs.map((job) => this.on(node, job)));
  }

  memoryOn(node: FarmNode): number {
    return sum(this.farm.jobs.map((job) => this.on(node, job) * job.slotMemoryBytes));
  }

  usesLicence(node: FarmNode, licence: string): boolean {
    return this.farm.jobs.some((job) => job.licences.includes(licence) && this.on(node, job) > 0);
  }

  tokens(licence: string): number {
    const { nodes, jobs, policy } = this.farm;
    if (policy.licences.get(licence)?.per === 'node')
      return nodes.filter((node) => this.usesLicence(node, licence)).length;
    return sum(jobs.filter((job) => job.licences.includes(licence)).map((job) => this.ofJob(job)));
  }
}

export function may(node: FarmNode, job: FarmJob): boolean {
  return (
    node.state === 'ready' &&
    node.slots > 0 &&
    !node.blockedJobs.has(job.jobId) &&
    (job.pool === undefined || node.pools.has(job.pool)) &&
    job.tags.every((tag) => node.tags.has(tag)) &&
    (job.renderer === undefined || node.renderers!.keys.has(job.renderer)) &&
    node.cores >= job.cores &&
    node.gpus >= job.gpus &&
    node.memoryBytes >= job.slotMemoryBytes
  );
}

export function capOf(job: FarmJob): number {
  if (job.gate || job.demand === 0) return 0;
  const wanted = Math.max(job.demand, job.nodesMin);
  return job.maxSlots > 0 ? Math.min(job.maxSlots, wanted) : wanted;
}

export const studioOf = (policy: SchedulingPolicy, studio: string): StudioPolicy =>
  (policy.studios as ReadonlyMap<string, StudioPolicy>).get(studio) ?? { share: 1, maxSlots: 0 };

/** @returns what is above a limit or where it may not be. */
export function trespasses(farm: RandomFarm, allocation: Allocation): readonly string[] {
  const uses = new Uses(farm, allocation);
  const found: string[] = [];
  for (const node of farm.nodes) {
    if (uses.slotsOn(node) > node.slots) found.push(`${node.nodeId} has more than its slots`);
    if (uses.memoryOn(node) > node.memoryBytes) found.push(`${node.nodeId} has more than its memory`);
    for (const job of farm.jobs) {
      const asIfReady = node.state === 'lost' ? { ...node, state: 'ready' as const } : node;
      if (uses.on(node, job) > 0 && !may(asIfReady, job))
        found.push(`${node.nodeId} may not do ${job.jobId}`);
    }
    const jobs = new Set<string>(farm.jobs.map((job) => job.jobId));
    for (const [job, slots] of allocation.get(node.nodeId) ?? []) {
      if (!jobs.has(job)) found.push(`${job} is not there`);
      if (slots <= 0) found.push(`${job} has ${slots} slots`);
    }
  }
  for (const job of farm.jobs)
    if (uses.ofJob(job) > capOf(job)) found.push(`${job.jobId} has more than it may`);
  for (const studio of new Set(farm.jobs.map((job) => job.studio))) {
    const { maxSlots } = studioOf(farm.policy, studio);
    if (maxSlots > 0 && uses.ofStudio(studio) > maxSlots) found.push(`${studio} has more than it may`);
  }
  for (const name of new Set(farm.jobs.flatMap((job) => job.licences)))
    if (uses.tokens(name) > (farm.policy.licences.get(name)?.total ?? 0)) found.push(`${name} is passed`);
  return found;
}

/** @returns slots that are idle though a job could use them as things are. */
export function idleSlots(farm: RandomFarm, allocation: Allocation): readonly string[] {
  const uses = new Uses(farm, allocation);
  const found: string[] = [];
  for (const node of farm.nodes)
    for (const job of farm.jobs) {
      if (!may(node, job) || uses.slotsOn(node) >= node.slots) continue;
      if (uses.memoryOn(node) + job.slotMemoryBytes > node.memoryBytes) continue;
      if (isHeld(uses, node, job, undefined)) continue;
      found.push(`a slot of ${node.nodeId} is idle and ${job.jobId} could use it`);
    }
  return found;
}

/** Whether a limit stops the job from having one slot more on the node, when `giver` gives one up there. */
function isHeld(uses: Uses, node: FarmNode, job: FarmJob, giver: FarmJob | undefined): boolean {
  const { policy } = uses.farm;
  if (uses.ofJob(job) >= capOf(job)) return true;
  const { maxSlots } = studioOf(policy, job.studio);
  if (maxSlots > 0 && uses.ofStudio(job.studio) >= maxSlots && giver?.studio !== job.studio) return true;
  return job.licences.some((name) => {
    const { per, total } = policy.licences.get(name) ?? { per: 'slot', total: 0 };
    if (per === 'node') return !uses.usesLicence(node, name) && uses.tokens(name) >= total;
    return uses.tokens(name) >= total && !giver?.licences.includes(name);
  });
}

const nextCost = (slots: number, share: number): number => (slots === 0 ? 0 : (slots + 0.5) / share);

/** Whether `taker` is to have a slot of `giver`, whatever the nodes. */
export function isDue(uses: Uses, taker: FarmJob, giver: FarmJob): boolean {
  if (taker === giver || uses.ofJob(giver) === 0) return false;
  if (taker.studio === giver.studio) {
    const lead = taker.priority - giver.priority;
    return lead > 0 || (lead === 0 && uses.ofJob(giver) - 1 > uses.ofJob(taker));
  }
  const of = (job: FarmJob, fewer: number) =>
    nextCost(uses.ofStudio(job.studio) - fewer, studioOf(uses.farm.policy, job.studio).share);
  return of(giver, 1) > of(taker, 0);
}

/** @returns single exchanges on one node that ought to have been made. */
export function exchangesDue(farm: RandomFarm, allocation: Allocation): readonly string[] {
  const uses = new Uses(farm, allocation);
  const found: string[] = [];
  for (const node of farm.nodes)
    for (const giver of farm.jobs) {
      if (uses.on(node, giver) === 0) continue;
      for (const taker of farm.jobs) {
        if (!may(node, taker) || !isDue(uses, taker, giver) || isHeld(uses, node, taker, giver)) continue;
        const bytes = uses.memoryOn(node) - giver.slotMemoryBytes + taker.slotMemoryBytes;
        if (bytes <= node.memoryBytes)
          found.push(`${taker.jobId} should have a slot of ${giver.jobId} on ${node.nodeId}`);
      }
    }
  return found;
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
