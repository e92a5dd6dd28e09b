/**
 * Who holds tokens of licences, so that no more are ever in use than there are, whoever is killed. A node holds what it
 * was told to use until it has confirmed that it uses less: an assignment that takes tokens away is on its way for a
 * moment, and its tiles take a moment to end. What confirms it is a heartbeat by the very write that took them, with less
 * in its slots; or, of a node that has fallen silent, time: its jobs under licences are written out of its assignment
 * altogether, and an agent that has looked at the bucket since has ended their tiles, while one that has not has ended
 * them by itself when its contact was older than `licenceFenceMs`. The count begins with that write, not with the last
 * heartbeat: an agent may reach the bucket once more without being heard.
 *
 * Data only; times are arguments, of a clock that only goes forward. Held is counted per job and node, in slots.
 */
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { LicencePolicy } from './farm-model.js';

/** Slots of a job under a licence. */
export interface GatedSlots {
  readonly jobId: JobId;
  readonly slots: number;
}

/** The fence closes within a quarter of a second, and a deaf thread is ended after two more and a half. */
const FENCE_MARGIN_MS = 4_000;
/** From the write that takes tokens: whoever works by an older one has ended its tiles. */
export const FENCED_AFTER_MS = TIMES.licenceFenceMs + FENCE_MARGIN_MS;
/** Of a node that said goodbye, nobody works by an older write but an agent that has just started, and that is heard. */
const READ_MS = TIMES.nodeLostAfterMs;
/** A node that says nothing for so long has its tokens taken. Later than it is lost: its tile may be an hour's work. */
const TAKE_AFTER_MS = TIMES.licenceFenceMs / 2;

interface Holder {
  /** By the last write, that one included which is on its way. */
  allowed: ReadonlyMap<JobId, number>;
  /** Whether by that write it may end tiles of other jobs in its own time. */
  isFinishing: boolean;
  /** At least that, and what is not confirmed to be given back. */
  readonly held: Map<JobId, number>;
  /** Of the last write; nothing while it is on its way. */
  revision: number | undefined;
  writtenAtMs: number;
  /** Heartbeats count from here on only. */
  trustedFromMs: number;
  heardAtMs: number;
  hostName: string | undefined;
  instanceId: string | undefined;
  startedAtMs: number;
  hasLeft: boolean;
}

/** What an earlier run has told a node. */
export interface EarlierAssignment {
  readonly allowed: readonly GatedSlots[];
  readonly unconfirmed: readonly GatedSlots[];
  readonly finishing?: readonly { readonly jobId: JobId }[] | undefined;
}

interface Use {
  slots: number;
  readonly nodes: Map<NodeId, number>;
}

export class LicenceGate {
  private readonly licencesOf: (jobId: JobId) => readonly string[];
  private readonly holders = new Map<NodeId, Holder>();
  private readonly uses = new Map<string, Use>();
  private policy: ReadonlyMap<string, LicencePolicy> = new Map();
  /** Nothing more is given before. */
  private closedUntilMs = 0;

  /** @param licencesOf what each slot of a job needs, the same for life; none for a job that nobody knows. */
  constructor(licencesOf: (jobId: JobId) => readonly string[]) {
    this.licencesOf = licencesOf;
  }

  setPolicy(licences: ReadonlyMap<string, LicencePolicy>): void {
    this.policy = licences;
  }

  /** Nodes that may still hold what nobody has written down have to speak first. */
  closeUntil(atMs: number): void {
    this.closedUntilMs = atMs;
  }

  /** What an earlier run has told a node, all of it held. */
  adopt(
    nodeId: NodeId,
    { allowed, unconfirmed, finishing = [] }: EarlierAssignment,
    revision: number,
    nowMs: number,
  ): void {
    const counted = ({ jobId }: { readonly jobId: JobId }) => this.licencesOf(jobId).length > 0;
    const all = [...allowed, ...unconfirmed].filter(counted);
    if (all.length === 0) return;
    const holder = this.holder(nodeId, nowMs);
    holder.allowed = new Map(allowed.filter(counted).map(({ jobId, slots }) => [jobId, slots]));
    holder.isFinishing = finishing.some(counted);
    holder.revision = revision;
    for (const { jobId, slots } of all)
      this.hold(nodeId, holder, jobId, Math.max(slots, holder.held.get(jobId) ?? 0));
  }

  /**
   * How many slots of each of its jobs a node may be told to use now; those without a licence as they are.
   * @returns in the order of `wanted`.
   */
  permit(nodeId: NodeId, wanted: readonly GatedSlots[], nowMs: number): number[] {
    const holder = this.holders.get(nodeId);
    const given = new Map<string, number>();
    // By its last write, or in this round.
    const nodeHas = new Set<string>();
    for (const jobId of holder?.allowed.keys() ?? [])
      for (const licence of this.licencesOf(jobId)) nodeHas.add(licence);
    return wanted.map(({ jobId, slots }) => {
      const licences = this.licencesOf(jobId);
      if (licences.length === 0) return slots;
      const held = holder?.held.get(jobId) ?? 0;
      // What is held beyond the last write may have been confirmed, and given to others, before this coordinator started.
      const sure = holder?.allowed.get(jobId) ?? 0;
      let more = nowMs < this.closedUntilMs ? 0 : slots;
      for (const licence of licences) {
        const { total, per } = this.policy.get(licence) ?? NO_TOKENS;
        const free = total - this.inUseOf(licence) - (given.get(licence) ?? 0);
        if (per === 'slot') more = Math.min(more, Math.max(0, held - sure + free));
        else if (!nodeHas.has(licence) && free < (this.isUsing(licence, nodeId) ? 0 : 1)) more = 0;
      }
      const permitted = Math.min(slots, sure + more);
      const added = Math.max(0, permitted - held);
      for (const licence of permitted > 0 ? licences : []) {
        const isPerSlot = (this.policy.get(licence) ?? NO_TOKENS).per === 'slot';
        const isNew = !nodeHas.has(licence) && !this.isUsing(licence, nodeId);
        given.set(licence, (given.get(licence) ?? 0) + (isPerSlot ? added : isNew ? 1 : 0));
        nodeHas.add(licence);
      }
      return permitted;
    });
  }

  /**
   * Right before a node's assignment is written: what it gives counts from now on.
   * @param finishing jobs whose tiles it may end in its own time.
   */
  writing(
    nodeId: NodeId,
    jobs: readonly GatedSlots[],
    nowMs: number,
    finishing: readonly { readonly jobId: JobId }[] = [],
  ): void {
    const gated = jobs.filter(({ jobId, slots }) => slots > 0 && this.licencesOf(jobId).length > 0);
    if (gated.length === 0 && !this.holders.has(nodeId)) return;
    const holder = this.holder(nodeId, nowMs);
    holder.allowed = new Map(gated.map(({ jobId, slots }) => [jobId, slots]));
    holder.isFinishing = finishing.some(({ jobId }) => this.licencesOf(jobId).length > 0);
    holder.revision = undefined;
    for (const { jobId, slots } of gated)
      if (slots > (holder.held.get(jobId) ?? 0)) this.hold(nodeId, holder, jobId, slots);
  }

  /** The bucket has it. @param trustedFromMs revisions said before mean another bucket. */
  written(nodeId: NodeId, revision: number, nowMs: number, trustedFromMs = 0): void {
    const holder = this.holders.get(nodeId);
    if (!holder) return;
    holder.revision = revision;
    holder.writtenAtMs = nowMs;
    holder.trustedFromMs = Math.max(holder.trustedFromMs, trustedFromMs);
  }

  /**
   * A node has spoken. Costs a look at its jobs where it holds tokens, and next to nothing elsewhere.
   * @returns whether it gave tokens back.
   */
  heard(heartbeat: Heartbeat, nowMs: number): boolean {
    const { nodeId } = heartbeat;
    let holder = this.holders.get(nodeId);
    for (const { jobId, taken, rendering, attempts } of heartbeat.inHand) {
      // An agent may render what nobody has written down: JetStream had lost it.
      const uses = this.licencesOf(jobId).length > 0 ? (taken ?? rendering ?? attempts.length) : 0;
      if (uses <= (holder?.held.get(jobId) ?? 0)) continue;
      holder ??= this.holder(nodeId, nowMs);
      this.hold(nodeId, holder, jobId, uses);
    }
    if (!holder) return false;
    const isOther = holder.instanceId !== undefined && holder.instanceId !== heartbeat.instanceId;
    // On the same machine, it takes the place of one that is dead: unless that one speaks after it.
    const isElsewhere = isOther && holder.hostName !== heartbeat.hostName;
    const isBack = isOther && heartbeat.startedAtMs < holder.startedAtMs;
    holder.instanceId = heartbeat.instanceId;
    holder.hostName = heartbeat.hostName;
    holder.startedAtMs = heartbeat.startedAtMs;
    holder.heardAtMs = nowMs;
    holder.hasLeft = false;
    // Two agents with one id: the other one may live, and is not heard of apart from this one.
    if (isElsewhere || isBack) holder.trustedFromMs = nowMs + FENCED_AFTER_MS;
    const isConfirmed = holder.revision !== undefined && heartbeat.assignmentRevision === holder.revision;
    if (!isConfirmed || nowMs < holder.trustedFromMs || heartbeat.inHandLeftOut > 0) return false;
    let isFreed = false;
    for (const [jobId, slots] of holder.held) {
      const allowed = holder.allowed.get(jobId) ?? 0;
      if (slots <= allowed) continue;
      const hand = heartbeat.inHand.find((one) => one.jobId === jobId);
      const uses = allowed === 0 ? (hand?.attempts.length ?? 0) : (hand?.taken ?? hand?.attempts.length ?? 0);
      if (uses >= slots && uses > allowed) continue;
      this.hold(nodeId, holder, jobId, Math.max(uses, allowed));
      isFreed = true;
    }
    this.forgetIfIdle(nodeId, holder);
    return isFreed;
  }

  /**
   * Looks for holders that are dead. Call it only right after the server has answered.
   * @param listeningSinceMs nobody was silent before somebody listened.
   * @returns nodes whose assignment is to be written without licences, and whether tokens came free.
   */
  check(
    nowMs: number,
    listeningSinceMs: number,
  ): { readonly take: readonly NodeId[]; readonly isFreed: boolean } {
    const take: NodeId[] = [];
    let isFreed = false;
    for (const [nodeId, holder] of this.holders) {
      const silentMs = holder.hasLeft
        ? Number.POSITIVE_INFINITY
        : nowMs - Math.max(holder.heardAtMs, listeningSinceMs);
      if (silentMs < TAKE_AFTER_MS) continue;
      // What it renders may stand in no assignment at all: JetStream had lost it.
      if (holder.allowed.size > 0 || holder.isFinishing || holder.revision === undefined) {
        take.push(nodeId);
        continue;
      }
      const fencedAfterMs = holder.hasLeft ? READ_MS : FENCED_AFTER_MS;
      if (nowMs - holder.writtenAtMs < fencedAfterMs) continue;
      for (const jobId of [...holder.held.keys()]) {
        this.hold(nodeId, holder, jobId, 0);
        isFreed = true;
      }
      this.forgetIfIdle(nodeId, holder);
    }
    return { take, isFreed };
  }

  /** Its agent has said goodbye: it counts as one that is dead already. */
  left(nodeId: NodeId): void {
    const holder = this.holders.get(nodeId);
    if (holder) holder.hasLeft = true;
  }

  /** What a node may still use beyond its assignment: goes into that, for the coordinator's next start. */
  unconfirmedOf(nodeId: NodeId, jobs: readonly GatedSlots[]): readonly GatedSlots[] {
    const holder = this.holders.get(nodeId);
    if (!holder) return NONE;
    const next = new Map(jobs.map(({ jobId, slots }) => [jobId, slots]));
    const more: GatedSlots[] = [];
    for (const [jobId, slots] of holder.held) if (slots > (next.get(jobId) ?? 0)) more.push({ jobId, slots });
    return more;
  }

  inUse(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const licence of this.uses.keys()) all.set(licence, this.inUseOf(licence));
    return all;
  }

  private isUsing(licence: string, nodeId: NodeId): boolean {
    return this.uses.get(licence)?.nodes.has(nodeId) ?? false;
  }

  private inUseOf(licence: string): number {
    const use = this.uses.get(licence);
    if (!use) return 0;
    return (this.policy.get(licence) ?? NO_TOKENS).per === 'slot' ? use.slots : use.nodes.size;
  }

  private holder(nodeId: NodeId, nowMs: number): Holder {
    let holder = this.holders.get(nodeId);
    if (!holder) {
      holder = {
        ...{ allowed: NO_SLOTS, isFinishing: false, held: new Map(), revision: undefined },
        ...{ writtenAtMs: nowMs, trustedFromMs: 0 },
        ...{ heardAtMs: nowMs, hostName: undefined, instanceId: undefined },
        ...{ startedAtMs: 0, hasLeft: false },
      };
      this.holders.set(nodeId, holder);
    }
    return holder;
  }

  private forgetIfIdle(nodeId: NodeId, { allowed, held }: Holder): void {
    if (allowed.size === 0 && held.size === 0) this.holders.delete(nodeId);
  }

  private hold(nodeId: NodeId, holder: Holder, jobId: JobId, slots: number): void {
    const before = holder.held.get(jobId) ?? 0;
    if (slots === 0) holder.held.delete(jobId);
    else holder.held.set(jobId, slots);
    for (const licence of this.licencesOf(jobId)) {
      const use = this.uses.get(licence) ?? { slots: 0, nodes: new Map() };
      this.uses.set(licence, use);
      const ofNode = (use.nodes.get(nodeId) ?? 0) + slots - before;
      if (ofNode > 0) use.nodes.set(nodeId, ofNode);
      else use.nodes.delete(nodeId);
      use.slots += slots - before;
      if (use.nodes.size === 0) this.uses.delete(licence);
    }
  }
}

const NONE: readonly GatedSlots[] = [];
/** A licence that nobody has set. */
const NO_TOKENS: LicencePolicy = { total: 0, per: 'slot' };
const NO_SLOTS: ReadonlyMap<JobId, number> = new Map();
