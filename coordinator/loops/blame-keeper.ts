/**
 * Keeps what nodes are blamed for, decides by it which of them are blocked or quarantined (scheduling/judge-nodes.ts), and
 * tells whatever changes: events, log, and those who assign. The record is a file in the store, written about a second
 * after a failure and at once when a decision changes; what a killed coordinator had not written comes again with the
 * results of unfinished frames, each failure under the same key.
 *
 * After a start, blocks that were in force stay until the other nodes have had time to speak: the one that happens to be
 * first must not count as the only one that is left.
 */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import { TIMES } from '#shared/limits.js';
import type { NodesRecord } from '../adapters/store/node-store.js';
import type { Farm } from '../farm.js';
import type { LiveFrame } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';
import { BlameBook, type NodeFailure } from '../scheduling/blame.js';
import { type IsInTrouble, judgeNodes, NO_STANDING, type Standing } from '../scheduling/judge-nodes.js';
import { type StandingChange, standingChanges } from '../scheduling/standing-changes.js';
import type { KnownNode } from './nodes.js';

export interface BlameHooks {
  /** Every node that is listed. */
  nodes(): readonly KnownNode[];
  /** What keeps nodes from working for jobs; nothing: no node is in trouble. */
  troubles(): IsInTrouble | undefined;
  /** Other nodes may work for a job than before. */
  changed(): void;
}

/** Failures come in bursts, and one look serves them all; on a large farm it takes its time, and at most a tenth of all. */
const JUDGE_AFTER_MS = 2;
const JUDGE_PAUSE = 10;
const WRITE_AFTER_MS = 1_000;
/** When there was no space for it. */
const WRITE_AGAIN_AFTER_MS = 10_000;
/** A clock that was put forward is noticed by then. */
const LOOK_AGAIN_MS_MAX = 60_000;

export class BlameKeeper {
  private readonly farm: Farm;
  private readonly hooks: BlameHooks;
  private book = new BlameBook();
  /** What is in force, and has been told. */
  private readonly standings = new Map<NodeId, Standing>();
  private judging: NodeJS.Timeout | undefined;
  private judgingAtMs = Number.POSITIVE_INFINITY;
  private judgeAfterMs = JUDGE_AFTER_MS;
  private writingSoon: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private isDirty = false;
  private startedAtMs = performance.now();

  constructor(farm: Farm, hooks: BlameHooks) {
    this.farm = farm;
    this.hooks = hooks;
  }

  /** Before results are read. */
  async start(): Promise<void> {
    const record = await this.farm.store.nodes.read();
    this.startedAtMs = performance.now();
    if (!record) return;
    this.book = new BlameBook(record.blame);
    for (const { nodeId, blocks, quarantine } of record.standings)
      this.standings.set(nodeId, { blocks, quarantine });
    this.judgeIn(TIMES.nodeLostAfterMs);
  }

  /** Resolves when the record is written. */
  async stop(): Promise<void> {
    clearTimeout(this.judging);
    await this.save();
  }

  /** What is in force for a node. Cheap. */
  standingOf(nodeId: NodeId): Standing {
    return this.standings.get(nodeId) ?? NO_STANDING;
  }

  attemptFailed(job: LiveJob, failure: Omit<NodeFailure, 'jobId' | 'studio'>): void {
    const atMs = Math.min(failure.atMs, this.farm.clock.nowMs());
    const { studio } = job.record;
    if (this.book.attemptFailed({ ...failure, atMs, jobId: job.jobId, studio })) this.bookChanged();
  }

  /** Called for each tile: cheap for those that have never failed. */
  tileDone(job: LiveJob, frame: LiveFrame, tile: number): void {
    if (this.book.tileDone(job.jobId, frame.frame, tile)) this.bookChanged();
  }

  /** Looks again soon: a node or a job came or went, or a node is in trouble or no longer. */
  farmChanged(): void {
    if (!this.book.isEmpty || this.standings.size > 0) this.judgeIn(this.judgeAfterMs);
  }

  /** Nothing that the node has failed counts any more. Resolves when that is recorded. */
  async forgive(nodeId: NodeId): Promise<void> {
    const jobs = new Set(this.book.forgive(nodeId));
    const { blocks, quarantine } = this.standingOf(nodeId);
    for (const { jobId } of quarantine ? this.farm.jobs.liveJobs() : blocks) jobs.add(jobId);
    this.standings.delete(nodeId);
    this.farm.log.info({ nodeId, jobs: jobs.size }, 'node forgiven');
    this.isDirty = true;
    this.judge();
    await this.save();
    for (const jobId of jobs)
      this.tell(jobId, 'node_forgiven', nodeId, `the failures of node ${nodeId} are forgiven by hand`);
    this.hooks.changed();
  }

  private bookChanged(): void {
    this.judgeIn(this.judgeAfterMs);
    this.isDirty = true;
    this.writingSoon ??= setTimeout(() => void this.save(), WRITE_AFTER_MS).unref();
  }

  private judgeIn(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    if (atMs >= this.judgingAtMs) return;
    clearTimeout(this.judging);
    this.judgingAtMs = atMs;
    this.judging = setTimeout(() => this.judge(), delayMs).unref();
  }

  private judge(): void {
    if (this.farm.signal.aborted) return;
    clearTimeout(this.judging);
    this.judgingAtMs = Number.POSITIVE_INFINITY;
    const beganAtMs = performance.now();
    const told = this.applyVerdict(beganAtMs - this.startedAtMs);
    this.judgeAfterMs = Math.max(JUDGE_AFTER_MS, JUDGE_PAUSE * (performance.now() - beganAtMs));
    if (told.length === 0) return;
    this.isDirty = true;
    const saved = this.save();
    for (const change of told) this.log(change);
    this.hooks.changed();
    // What is told is on disk by then: a restart neither forgets it nor tells it twice.
    void saved.then(() => {
      for (const change of told) this.tellChange(change);
    });
  }

  /** @returns what has changed. */
  private applyVerdict(upMs: number): readonly StandingChange[] {
    const { farm, book } = this;
    const { forgiveAfterMs } = farm.blamePolicy;
    const nowMs = farm.clock.nowMs();
    book.forget(nowMs, forgiveAfterMs);
    const nodes = this.hooks.nodes();
    const candidates = nodes.filter(isCandidate).map(({ heartbeat }) => heartbeat.nodeId);
    const liveJobs = new Set(farm.jobs.liveJobs().map(({ jobId }) => jobId));
    const blames = book.blames(nowMs, forgiveAfterMs);
    const troubles = this.hooks.troubles();
    const verdict = judgeNodes(blames, new Set(candidates), liveJobs, farm.blamePolicy, troubles);
    const mayEnd = upMs >= TIMES.nodeLostAfterMs;
    const listed = new Set(nodes.map(({ heartbeat }) => heartbeat.nodeId));
    const changes = standingChanges(this.standings, verdict, { listed, liveJobs, nowMs, mayEnd });
    if (!mayEnd) this.judgeIn(TIMES.nodeLostAfterMs - upMs);
    if (verdict.nextChangeAtMs !== undefined)
      this.judgeIn(Math.min(LOOK_AGAIN_MS_MAX, Math.max(this.judgeAfterMs, verdict.nextChangeAtMs - nowMs)));
    for (const [nodeId, standing] of changes.standings)
      if (standing === NO_STANDING) this.standings.delete(nodeId);
      else this.standings.set(nodeId, standing);
    return changes.told;
  }

  private log({ kind, nodeId, jobId, message }: StandingChange): void {
    const facts = { nodeId, ...(jobId === undefined ? {} : { jobId }), reason: message };
    if (kind === 'node_forgiven') this.farm.log.info(facts, 'node works again');
    else this.farm.log.warn(facts, kind === 'node_blocked' ? 'node blocked for job' : 'node quarantined');
  }

  private tellChange({ kind, nodeId, jobId, message }: StandingChange): void {
    // What concerns a node as a whole concerns every job that it would work for.
    const concerned = jobId === undefined ? this.farm.jobs.liveJobs().map((job) => job.jobId) : [jobId];
    for (const id of concerned) this.tell(id, kind, nodeId, message);
  }

  private tell(jobId: JobId, kind: StandingChange['kind'], nodeId: NodeId, message: string): void {
    const job = this.farm.jobs.liveJob(jobId);
    if (!job || job.isEnding) return;
    void this.farm.events.publish({ jobId, kind, state: job.state, nodeId, message });
  }

  /** Resolves when what is known now is written, or when it could not be. */
  private save(): Promise<void> {
    clearTimeout(this.writingSoon);
    this.writingSoon = undefined;
    this.writing = this.writing.then(() => (this.isDirty ? this.write() : undefined));
    return this.writing;
  }

  private async write(): Promise<void> {
    this.isDirty = false;
    const standings = [...this.standings].map(([nodeId, { blocks, quarantine }]) => ({
      nodeId,
      blocks: [...blocks],
      ...(quarantine ? { quarantine: { ...quarantine, studios: [...quarantine.studios] } } : {}),
    }));
    try {
      await this.farm.store.nodes.write({ blame: this.book.toRecord(), standings } as NodesRecord);
    } catch (error) {
      this.isDirty = true;
      this.farm.log.warn({ reason: messageOf(error) }, 'record of bad nodes not written');
      if (!this.farm.signal.aborted)
        this.writingSoon ??= setTimeout(() => void this.save(), WRITE_AGAIN_AFTER_MS).unref();
    }
  }
}

/** Whether a node could take tiles if it were not for what it is blamed for. */
function isCandidate({ state, heartbeat }: KnownNode): boolean {
  return (state === 'ready' || state === 'quarantined') && heartbeat.slots > 0;
}
