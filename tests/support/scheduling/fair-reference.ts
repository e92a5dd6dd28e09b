/**
 * What is fair, found the slow way: slot by slot to the studio whose turn it is, and whether it can have one more is
 * asked of a flow from studios through jobs to nodes. Exact where jobs need nothing but slots: a separable convex sum
 * over a polymatroid is minimised by greedy steps (Federgruen and Groenevelt 1986).
 */
import type { FarmJob, FarmNode } from '#coordinator/scheduling/farm-model.js';
import { capOf, may, studioOf, type Uses } from './check-allocation.js';
import type { RandomFarm } from './random-farm.js';

/** Slots of each studio that has jobs. */
export function fairSlots(farm: RandomFarm): ReadonlyMap<string, number> {
  const slots = new Map<string, number>();
  for (const { studio } of farm.jobs) slots.set(studio, 0);
  const flow = new Flow(farm);
  const open = new Set(slots.keys());
  while (open.size > 0) {
    const costs = [...open].map((studio) => [studio, nextCost(farm, studio, slots.get(studio)!)] as const);
    const [next] = costs.reduce((best, one) => (one[1] < best[1] ? one : best));
    const { maxSlots } = studioOf(farm.policy, next);
    const isFull = maxSlots > 0 && slots.get(next)! >= maxSlots;
    if (!isFull && flow.add(next)) slots.set(next, slots.get(next)! + 1);
    else open.delete(next);
  }
  return slots;
}

function nextCost({ policy, jobs }: RandomFarm, studio: string, slots: number): number {
  if (slots > 0) return (slots + 0.5) / studioOf(policy, studio).share;
  // The first one is everybody's, those with larger shares before others.
  return -studioOf(policy, studio).share - jobs.length;
}

/** Jobs whose slots the job could come to, if others move without having fewer. */
export function reachableGivers(uses: Uses, job: FarmJob): ReadonlySet<FarmJob> {
  const { nodes, jobs } = uses.farm;
  const seen = new Set<FarmJob>([job]);
  for (const one of seen)
    for (const node of nodes)
      if (may(node, one)) for (const other of jobs) if (uses.on(node, other) > 0) seen.add(other);
  seen.delete(job);
  return seen;
}

class Flow {
  private readonly farm: RandomFarm;
  private readonly on = new Map<FarmJob, Map<FarmNode, number>>();

  constructor(farm: RandomFarm) {
    this.farm = farm;
    for (const job of farm.jobs) this.on.set(job, new Map());
  }

  /** One slot more for the studio, all others keeping what they have; by jobs of a studio that stand in for one another. */
  add(studio: string): boolean {
    const { jobs, nodes } = this.farm;
    const before = new Map<FarmJob | FarmNode, FarmJob | FarmNode | undefined>();
    for (const job of jobs)
      if (job.studio === studio && this.slotsOf(job) < capOf(job)) before.set(job, undefined);
    for (const at of before.keys()) {
      if ('nodeId' in at) {
        if (this.slotsOn(at) < at.slots) return this.augment(at, before);
        for (const job of jobs) {
          if (this.get(job, at) === 0) continue;
          if (!before.has(job)) before.set(job, at);
          for (const other of jobs)
            if (other.studio === job.studio && this.slotsOf(other) < capOf(other) && !before.has(other))
              before.set(other, job);
        }
      } else for (const node of nodes) if (may(node, at) && !before.has(node)) before.set(node, at);
    }
    return false;
  }

  private augment(
    end: FarmNode,
    before: ReadonlyMap<FarmJob | FarmNode, FarmJob | FarmNode | undefined>,
  ): boolean {
    let node: FarmNode | undefined = end;
    while (node) {
      const comer = before.get(node) as FarmJob;
      this.change(comer, node, 1);
      let from = before.get(comer);
      let leaver: FarmJob = comer;
      if (from && !('nodeId' in from)) {
        leaver = from;
        from = before.get(leaver);
      }
      if (from) this.change(leaver, from as FarmNode, -1);
      node = from as FarmNode | undefined;
    }
    return true;
  }

  private get(job: FarmJob, node: FarmNode): number {
    return this.on.get(job)!.get(node) ?? 0;
  }

  private change(job: FarmJob, node: FarmNode, slots: number): void {
    this.on.get(job)!.set(node, this.get(job, node) + slots);
  }

  private slotsOf(job: FarmJob): number {
    return [...this.on.get(job)!.values()].reduce((sum, slots) => sum + slots, 0);
  }

  private slotsOn(node: FarmNode): number {
    return this.farm.jobs.reduce((sum, job) => sum + this.get(job, node), 0);
  }
}
