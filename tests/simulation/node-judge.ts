/** Who is blamed for what, and who works for which job: the order of blame-keeper.ts and assign.ts. */

import type { LiveJob } from '#coordinator/jobs/live-job.js';
import { BlameBook, type NodeFailure } from '#coordinator/scheduling/blame.js';
import {
  type BlamePolicy,
  judgeNodes,
  NO_STANDING,
  type Standing,
} from '#coordinator/scheduling/judge-nodes.js';
import { standingChanges } from '#coordinator/scheduling/standing-changes.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { shareNodes } from './share-nodes.js';
import type { SimCoordinator } from './sim-coordinator.js';

export const POLICY: BlamePolicy = { blockAfter: 3, quarantineAfter: 2, forgiveAfterMs: 3_600_000 };
const JUDGE_AFTER_MS = 2;
const WRITE_AFTER_MS = 1_000;

export class NodeJudge {
  private readonly coordinator: SimCoordinator;
  private book = new BlameBook();
  private readonly standings = new Map<NodeId, Standing>();
  private readonly workers = new Map<JobId, readonly NodeId[]>();
  private isJudgePlanned = false;
  private isWritePlanned = false;
  private isAssignPlanned = false;

  constructor(coordinator: SimCoordinator) {
    this.coordinator = coordinator;
  }

  start(): void {
    const record = this.coordinator.world.nodesRecord;
    if (record) {
      this.book = new BlameBook(record.blame);
      for (const { nodeId, blocks, quarantine } of record.standings)
        this.standings.set(nodeId, { blocks, quarantine });
      this.coordinator.after(TIMES.nodeLostAfterMs, () => this.judge());
    }
    this.kick();
  }

  attemptFailed(job: LiveJob, failure: Omit<NodeFailure, 'jobId' | 'studio'>): void {
    const { studio } = job.record;
    if (this.book.attemptFailed({ ...failure, jobId: job.jobId, studio })) this.bookChanged();
  }

  tileDone(jobId: JobId, frame: number, tile: number): void {
    if (this.book.tileDone(jobId, frame, tile)) this.bookChanged();
  }

  standingOf(nodeId: NodeId): Standing {
    return this.standings.get(nodeId) ?? NO_STANDING;
  }

  workersOf(jobId: JobId): readonly NodeId[] {
    let workers = this.workers.get(jobId);
    if (!workers) {
      workers = this.listed().flatMap(({ state, heartbeat, standing }) =>
        state === 'ready' && !standing.blocks.some((block) => block.jobId === jobId)
          ? [heartbeat.nodeId]
          : [],
      );
      this.workers.set(jobId, workers);
    }
    return workers;
  }

  /** A job or a node came or went, or a node may work for other jobs than before. */
  kick(): void {
    this.workers.clear();
    if (!this.book.isEmpty || this.standings.size > 0) this.judgeSoon();
    if (this.isAssignPlanned) return;
    this.isAssignPlanned = true;
    this.coordinator.call(() => {
      this.isAssignPlanned = false;
      this.assign();
    });
  }

  private bookChanged(): void {
    this.judgeSoon();
    if (this.isWritePlanned) return;
    this.isWritePlanned = true;
    this.coordinator.after(WRITE_AFTER_MS, () => this.write());
  }

  private judgeSoon(): void {
    if (this.isJudgePlanned || this.coordinator.world.plan.sabotage === 'nobody is blamed') return;
    this.isJudgePlanned = true;
    this.coordinator.after(JUDGE_AFTER_MS, () => this.judge());
  }

  private judge(): void {
    this.isJudgePlanned = false;
    const { book, coordinator } = this;
    const { world } = coordinator;
    const { nowMs } = world.time;
    const { forgiveAfterMs } = POLICY;
    book.forget(nowMs, forgiveAfterMs);
    const nodes = this.listed();
    const candidates = nodes.filter(({ state }) => state === 'ready' || state === 'quarantined');
    const liveJobs = new Set(coordinator.jobs.keys());
    const ids = new Set(candidates.map(({ heartbeat }) => heartbeat.nodeId));
    const verdict = judgeNodes(book.blames(nowMs, forgiveAfterMs), ids, liveJobs, POLICY);
    const upMs = nowMs - coordinator.startedAtMs;
    const mayEnd = upMs >= TIMES.nodeLostAfterMs;
    if (!mayEnd) coordinator.after(Math.max(1, TIMES.nodeLostAfterMs - upMs), () => this.judge());
    const listed = new Set(nodes.map(({ heartbeat }) => heartbeat.nodeId));
    const changes = standingChanges(this.standings, verdict, { listed, liveJobs, nowMs, mayEnd });
    for (const [nodeId, standing] of changes.standings)
      if (standing === NO_STANDING) this.standings.delete(nodeId);
      else this.standings.set(nodeId, standing);
    world.audit.judged(coordinator, ids);
    if (changes.told.length === 0) return;
    for (const { kind, nodeId, jobId } of changes.told) world.note(() => `${kind} ${nodeId} ${jobId ?? ''}`);
    this.write();
    this.kick();
  }

  private write(): void {
    this.isWritePlanned = false;
    const standings = [...this.standings].map(([nodeId, { blocks, quarantine }]) => ({
      nodeId,
      blocks: [...blocks],
      ...(quarantine ? { quarantine: { ...quarantine, studios: [...quarantine.studios] } } : {}),
    }));
    const record = { blame: this.book.toRecord(), standings };
    this.coordinator.world.nodesRecord = structuredClone(record) as NonNullable<
      typeof this.coordinator.world.nodesRecord
    >;
  }

  private assign(): void {
    const { world } = this.coordinator;
    const nodes = this.listed().map(({ heartbeat: { nodeId, slots }, state, standing }) => ({
      ...{ nodeId, slots },
      state: state === 'lost' && standing.quarantine ? ('quarantined' as const) : state,
      blockedJobs: new Set(standing.blocks.map(({ jobId }) => jobId)),
      assignedJobs: new Set(world.assignments.get(nodeId)?.jobs.map(({ jobId }) => jobId)),
    }));
    const jobs = this.coordinator.liveJobs().filter((job) => !job.isEnding);
    const wanted = jobs.map((job) => ({ jobId: job.jobId, planId: job.record.plan.planId }));
    for (const [nodeId, assignment] of shareNodes({ nodes, jobs: wanted })) {
      if (JSON.stringify(world.assignments.get(nodeId)) === JSON.stringify(assignment)) continue;
      world.assignments.set(nodeId, assignment);
      world.agents.get(nodeId)?.assigned();
    }
  }

  private listed() {
    return [...this.coordinator.nodes.nodes.values()].map((node) => {
      const standing = this.standingOf(node.heartbeat.nodeId);
      const isQuarantined = node.state === 'ready' && standing.quarantine;
      return { ...node, state: isQuarantined ? ('quarantined' as const) : node.state, standing };
    });
  }
}
