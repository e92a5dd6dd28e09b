/** Who has the slots that a job could use, and what is free of them for want of memory: sums over the nodes that can work for it. */
import type { JobId, Studio } from '#shared/domain/ids.js';
import type { FarmJob, FarmNode } from './farm-model.js';
import { bytes, bytesApart, counted } from './in-words.js';
import type { Wait } from './scheduler-view.js';
import { NODE_UNUSED, type Usage } from './usage.js';

/** What the nodes that can work for a job have and give to whom. */
export class Contention {
  private readonly job: FarmJob;
  private readonly usage: Usage;
  /** Nodes that can work for it. */
  nodes = 0;
  slots = 0;
  /** Nodes with a free slot and the memory for it. */
  readonly room: FarmNode[] = [];
  /** Slots that are free and lack memory. */
  slotsWithoutMemory = 0;
  /** Of those nodes the one with most memory left. */
  private roomiest: FarmNode | undefined;
  private memoryLeftBytes = -1;
  /** Slots of other jobs there. */
  readonly others = new Map<JobId, number>();
  /** How many slots the job would take from a studio there for one of its own: more where memory asks for it. */
  readonly takes = new Map<Studio, number>();

  constructor(job: FarmJob, usage: Usage) {
    this.job = job;
    this.usage = usage;
  }

  add(node: FarmNode, given: ReadonlyMap<JobId, number> | undefined): void {
    this.nodes += 1;
    this.slots += node.slots;
    const used = this.usage.nodes.get(node.nodeId) ?? NODE_UNUSED;
    const free = node.slots - used.slots;
    const leftBytes = node.memoryBytes - used.memoryBytes;
    if (given) this.addOthers(given, free, leftBytes);
    if (free <= 0) return;
    if (leftBytes >= this.job.slotMemoryBytes) {
      this.room.push(node);
      return;
    }
    this.slotsWithoutMemory += free;
    if (leftBytes <= this.memoryLeftBytes) return;
    this.memoryLeftBytes = leftBytes;
    this.roomiest = node;
  }

  private addOthers(given: ReadonlyMap<JobId, number>, free: number, leftBytes: number): void {
    const { job, usage, others } = this;
    const lackBytes = job.slotMemoryBytes - leftBytes;
    let byStudio: Map<Studio, Holding[]> | undefined;
    for (const [jobId, slots] of given) {
      const other = usage.jobs.get(jobId);
      if (!other || jobId === job.jobId || slots === 0) continue;
      others.set(jobId, (others.get(jobId) ?? 0) + slots);
      if (lackBytes <= 0) this.takes.set(other.studio, 1);
      else {
        byStudio ??= new Map();
        const holdings = byStudio.get(other.studio) ?? [];
        holdings.push({ slots, slotBytes: other.slotMemoryBytes });
        byStudio.set(other.studio, holdings);
      }
    }
    if (byStudio)
      for (const [studio, holdings] of byStudio) {
        const take = slotsFor(holdings, free > 0 ? 0 : 1, lackBytes);
        this.takes.set(studio, Math.min(take, this.takes.get(studio) ?? Number.POSITIVE_INFINITY));
      }
  }

  /** @param slotBytesMax of the jobs that what is added may go to first; 0: there are none. */
  memoryOut(slotBytesMax: number): Wait | undefined {
    const { roomiest, memoryLeftBytes, slotsWithoutMemory, job } = this;
    if (!roomiest) return undefined;
    const { nodeId, slots, memoryBytes } = roomiest;
    const needBytes = job.slotMemoryBytes;
    const allBytes = slots * slotBytesMax;
    const forAll = Math.max(needBytes, memoryLeftBytes + allBytes - memoryBytes);
    const [need, have] = bytesApart(needBytes, memoryLeftBytes);
    const all = forAll > needBytes ? `; ${bytes(allBytes)} in all would do for every job` : '';
    return {
      kind: 'memory',
      subject: nodeId,
      have: memoryLeftBytes,
      need: forAll,
      message: `${counted(slotsWithoutMemory, 'slot')} that it could use ${slotsWithoutMemory === 1 ? 'stays' : 'stay'} free for want of memory: a slot of it needs ${need}, and node ${nodeId}, which has most left, has ${have}${all}`,
    };
  }
}

interface Holding {
  readonly slots: number;
  readonly slotBytes: number;
}

/** The most that it takes until so many slots and so much memory are free, whichever of them go first. */
function slotsFor(holdings: Holding[], slotsMin: number, lackBytes: number): number {
  let taken = 0;
  let lack = lackBytes;
  for (const { slots, slotBytes } of holdings.sort((one, other) => one.slotBytes - other.slotBytes)) {
    const enough = slotBytes === 0 ? Number.POSITIVE_INFINITY : Math.ceil(lack / slotBytes);
    if (enough <= slots) return Math.max(slotsMin, taken + enough);
    // What needs no memory frees none.
    if (slotBytes > 0) taken += slots;
    lack -= slots * slotBytes;
  }
  return Number.POSITIVE_INFINITY;
}
