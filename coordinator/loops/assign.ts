/**
 * Writes what `allocate` decides to the assignments bucket, and only what has changed. A lost node keeps its assignment:
 * it may merely be slow, and must not abort its tiles for that.
 */
import type { KV } from '@nats-io/kv';
import { type Assignment, assignmentSchema, decodeMessage, encodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import type { Farm } from '../farm.js';
import { allocate, type FarmJob, type FarmNode } from '../scheduling/allocate.js';
import { rendererSet } from '../scheduling/renderer-versions.js';
import type { KnownNode } from './nodes.js';
import { findWorkers, type Workers } from './workers.js';

interface WrittenAssignment {
  readonly text: string;
  readonly jobIds: ReadonlySet<JobId>;
}

export interface AssignerHooks {
  /** Every node that is listed. */
  listNodes(): readonly KnownNode[];
  /** Whoever judges nodes wants to look as well. */
  kicked(): void;
  /** Before each allocation, with the nodes that it is for. */
  looked(nodes: readonly KnownNode[]): void;
  /** Key of the renderer that a job's nodes must have; nothing: not decided yet, or not a running job. */
  needsOf(jobId: JobId): string | undefined;
  /** Whether that is recorded: nodes are not told of a job before. */
  isPinned(jobId: JobId): boolean;
}

export class Assigner {
  private readonly farm: Farm;
  private readonly hooks: AssignerHooks;
  private bucket: KV | undefined;
  /** What the bucket holds. */
  private readonly written = new Map<NodeId, WrittenAssignment>();
  /** Who may take tiles; nothing whenever something has changed. */
  private workers: Workers | undefined;
  /** Of the bucket's last write, if it was ours. */
  private lastRevision = 0;
  /** Revisions between two writes of ours. */
  private hasGap = false;
  private isKicked = false;
  private isRunning = false;

  constructor(farm: Farm, hooks: AssignerHooks) {
    this.farm = farm;
    this.hooks = hooks;
  }

  /** Reads what an earlier run assigned, and takes ended jobs out of it at once: their nodes may not have spoken yet. */
  async start(): Promise<void> {
    const { bus, signal, log } = this.farm;
    const bucket = await retryCall(
      'open bucket of assignments',
      () => bus.kvm.open(bus.names.assignmentsBucket),
      signal,
    );
    const keys = await retryCall(
      'list assignments',
      async () => {
        const all: string[] = [];
        for await (const key of await bucket.keys()) all.push(key);
        return all;
      },
      signal,
    );
    for (const key of keys) {
      const entry = await retryCall(`read assignment ${key}`, () => bucket.get(key), signal);
      if (entry?.operation !== 'PUT') continue;
      const nodeId = key as NodeId;
      try {
        const before = decodeMessage(assignmentSchema, entry.value, `assignment ${key}`);
        const jobs = before.jobs.filter((job) => this.farm.jobs.liveJob(job.jobId));
        this.written.set(nodeId, asWritten(before));
        if (jobs.length < before.jobs.length) await this.write(bucket, nodeId, { jobs });
      } catch (error) {
        log.warn({ nodeId, reason: messageOf(error) }, 'assignment dropped');
        await this.write(bucket, nodeId, { jobs: [] });
      }
    }
    this.lastRevision = await this.lastSequence();
    this.hasGap = false;
    this.bucket = bucket;
    this.kick();
  }

  /** Whether somebody else has written to the bucket: a node that reads it now may wait for work in vain. */
  async isOverwritten(): Promise<boolean> {
    const ours = this.lastRevision;
    const last = await this.lastSequence();
    // A write of ours may be on its way, or have come meanwhile: the next look tells.
    if (this.isRunning || ours !== this.lastRevision || (last <= ours && !this.hasGap)) return false;
    this.lastRevision = Math.max(ours, last);
    this.hasGap = false;
    this.farm.log.warn({ bucket: this.farm.bus.names.assignmentsBucket }, 'assignments were overwritten');
    return true;
  }

  private async lastSequence(): Promise<number> {
    const { bus, signal } = this.farm;
    const stream = `KV_${bus.names.assignmentsBucket}`;
    const info = await retryCall(`look at ${stream}`, () => bus.jsm.streams.info(stream), signal);
    return info.state.last_seq;
  }

  /** Nodes that are there, have a job's renderer, and are not blocked for it. Called for each failed tile. */
  workersOf(jobId: JobId): readonly NodeId[] {
    return this.currentWorkers().of(jobId, this.hooks.needsOf(jobId));
  }

  /** Asks whether a node has the renderer of a job; nothing: all nodes have the same. */
  get lacksRenderer(): ((nodeId: NodeId, jobId: JobId) => boolean) | undefined {
    const { renderersOf, areAllAlike } = this.currentWorkers();
    if (areAllAlike) return undefined;
    return (nodeId, jobId) => {
      const needs = this.hooks.needsOf(jobId);
      return needs === undefined || !renderersOf.get(nodeId)?.keys.has(needs);
    };
  }

  private currentWorkers(): Workers {
    this.workers ??= findWorkers(this.hooks.listNodes());
    return this.workers;
  }

  /** The jobs that a node was told to work for last. */
  assignedTo(nodeId: NodeId): ReadonlySet<JobId> {
    return this.written.get(nodeId)?.jobIds ?? NO_JOBS;
  }

  /** The bucket was made anew. */
  writeAll(): void {
    this.written.clear();
    this.kick();
  }

  /** A job or a node came or went, or a node may work for other jobs than before. Cheap. */
  kick(): void {
    this.workers = undefined;
    this.hooks.kicked();
    this.isKicked = true;
    if (!this.isRunning && this.bucket) void this.run(this.bucket);
  }

  private async run(bucket: KV): Promise<void> {
    this.isRunning = true;
    while (this.isKicked && !this.farm.signal.aborted) {
      this.isKicked = false;
      try {
        await this.writeChanges(bucket);
      } catch (err) {
        if (!this.farm.signal.aborted) this.farm.log.error({ err }, 'assignments not written');
      }
    }
    this.isRunning = false;
  }

  private async writeChanges(bucket: KV): Promise<void> {
    const listed = this.hooks.listNodes();
    this.hooks.looked(listed);
    const nodes = listed.map((node) => this.toFarmNode(node));
    const jobs: FarmJob[] = [];
    for (const { jobId, record, isEnding } of this.farm.jobs.liveJobs()) {
      const needs = isEnding ? undefined : this.hooks.needsOf(jobId);
      if (needs !== undefined && this.hooks.isPinned(jobId))
        jobs.push({ jobId, planId: record.plan.planId, needs });
    }
    for (const [nodeId, assignment] of allocate({ nodes, jobs })) {
      if (this.written.get(nodeId)?.text !== JSON.stringify(assignment))
        await this.write(bucket, nodeId, assignment);
    }
  }

  private toFarmNode({ heartbeat, state, standing }: KnownNode): FarmNode {
    const { nodeId, slots, renderers } = heartbeat;
    return {
      nodeId,
      slots,
      renderers: rendererSet(renderers),
      // A lost node that comes back is still quarantined; a draining one finishes what it has.
      state: state === 'lost' && standing.quarantine ? 'quarantined' : state,
      blockedJobs:
        standing.blocks.length === 0 ? NO_JOBS : new Set(standing.blocks.map(({ jobId }) => jobId)),
      assignedJobs: this.written.get(nodeId)?.jobIds ?? NO_JOBS,
    };
  }

  private async write(bucket: KV, nodeId: NodeId, assignment: Assignment): Promise<void> {
    const revision = await retryCall(
      `assign ${nodeId}`,
      () => bucket.put(nodeId, encodeMessage(assignment)),
      this.farm.signal,
    );
    // Writes come one after the other, so that a gap is somebody else's.
    if (revision > this.lastRevision + 1) this.hasGap = true;
    this.lastRevision = revision;
    this.written.set(nodeId, asWritten(assignment));
    this.farm.log.debug({ nodeId, jobs: assignment.jobs.length }, 'assignment written');
  }
}

const NO_JOBS: ReadonlySet<JobId> = new Set();

function asWritten(assignment: Assignment): WrittenAssignment {
  return {
    text: JSON.stringify(assignment),
    jobIds: new Set(assignment.jobs.map(({ jobId }) => jobId)),
  };
}
