/** Takes results in the order of the stream, as collect.ts does: what each means is for LiveJob to say. */

import { blameOfFailure, blameOfOdd } from '#coordinator/jobs/blame-of-results.js';
import { type LiveFrame, type PlacedResult, tileState } from '#coordinator/jobs/live-frame.js';
import type { LiveJob } from '#coordinator/jobs/live-job.js';
import { type LiveAttempt, liveAttempts, loneCandidate } from '#coordinator/jobs/tile-case.js';
import type { Digest, JobId } from '#shared/domain/ids.js';
import { isFrameEnded } from '#shared/state/frame-state.js';
import { nextJobState } from '#shared/state/job-state.js';
import type { LoggedResult, ResultOutcome } from './result-log.js';
import type { SimCoordinator } from './sim-coordinator.js';

type Rendered = Extract<ResultOutcome, { kind: 'rendered' }>;
type Failed = Extract<ResultOutcome, { kind: 'failed' }>;

const BYTES = new Uint8Array(1);
const MISMATCH = 'TILE_CHECKSUM_MISMATCH';

export class TakeResults {
  readonly strays = new Set<JobId>();
  private readonly coordinator: SimCoordinator;
  private lastSequence = 0;

  constructor(coordinator: SimCoordinator) {
    this.coordinator = coordinator;
  }

  /** Everything that is in the stream now. */
  takeAll(): void {
    const { results, audit } = this.coordinator.world;
    for (const result of results.after(this.lastSequence)) this.take(result);
    this.lastSequence = results.lastSequence;
    for (const job of this.coordinator.liveJobs()) audit.counts(job);
  }

  private take(result: LoggedResult): void {
    const { jobs, world } = this.coordinator;
    const job = jobs.get(result.jobId);
    if (!job || job.isEnding) {
      if (!job) this.strays.add(result.jobId);
      return;
    }
    const frame = job.openFrame(result.frame);
    if (!frame || isFrameEnded(frame.state)) {
      if (result.outcome.kind === 'failed') this.blame(job, result, result.outcome);
      return;
    }
    if (job.state === 'queued') job.state = nextJobState(job.state, 'work_seen');
    const { outcome } = result;
    world.note(
      () =>
        `${result.nodeId} gave ${outcome.kind === 'failed' ? outcome.code : 'pixels'} for ${result.jobId} ${result.frame}/${result.tile}/${result.attempt} (${tileState(frame, result.tile)})`,
    );
    if (outcome.kind === 'failed') this.takeFailure(job, frame, result, outcome);
    else this.takeRendered(job, frame, result, outcome);
  }

  private blame(job: LiveJob, result: LoggedResult, outcome: Failed): void {
    const failure = blameOfFailure(job, { ...result, ...outcome });
    if (failure) this.coordinator.judge.attemptFailed(job, failure);
  }

  private takeRendered(job: LiveJob, frame: LiveFrame, result: LoggedResult, outcome: Rendered): void {
    const { coordinator } = this;
    const { world } = coordinator;
    const { tile, attempt, nodeId, renderMs, sequence } = result;
    if (tileState(frame, tile) === 'done') return;
    if (outcome.isGarbled) {
      coordinator.publishFailure(job, { frame: frame.frame, tile, attempt, nodeId, code: MISMATCH });
      return;
    }
    const placed: PlacedResult = {
      ...{ nodeId, attempt, renderer: 'r', sequences: [sequence], sizeBytes: 1, coreSeconds: 1, renderMs },
      digest: outcome.pixels as Digest,
      bytes: world.random.chance(0.7) ? BYTES : undefined,
    };
    const isAsked = world.plan.sabotage !== 'second opinions are not asked for';
    if (isAsked && job.needsSecondOpinion(frame.frame, tile))
      this.weigh(job, frame, tile, placed, result.atMs);
    else {
      const others = liveAttempts(frame, tile).filter((live) => live.attempt !== attempt);
      this.placed(job, frame, tile, job.place(frame, tile, placed), others, false);
    }
  }

  private placed(
    job: LiveJob,
    frame: LiveFrame,
    tile: number,
    isLast: boolean,
    others: readonly LiveAttempt[],
    isVerified: boolean,
  ): void {
    const { coordinator } = this;
    coordinator.world.audit.placed(job, frame, tile, isVerified);
    coordinator.withdraw(job, frame.frame, tile, others);
    coordinator.judge.tileDone(job.jobId, frame.frame, tile);
    coordinator.feed();
    if (isLast) coordinator.frameComplete(job, frame);
  }

  private weigh(job: LiveJob, frame: LiveFrame, tile: number, result: PlacedResult, atMs: number): void {
    const { coordinator } = this;
    const others = liveAttempts(frame, tile).filter(({ attempt }) => attempt !== result.attempt);
    coordinator.world.audit.opinion(job, frame, tile, result.nodeId);
    const { verdict, isLast } = job.weigh(frame, tile, result, () => coordinator.workersOf(job.jobId));
    switch (verdict.kind) {
      case 'repeated':
        return;
      case 'waits':
        if (!this.acceptLone(job, frame, tile)) coordinator.feed();
        return;
      case 'differs':
      case 'own':
        coordinator.feed();
        return;
      case 'undecidable':
        coordinator.world.audit.undecidable(job, frame, tile);
        coordinator.tileFailed(job, frame);
        coordinator.feed();
        return;
      case 'agrees':
        for (const failure of blameOfOdd(verdict, frame, tile, atMs))
          coordinator.judge.attemptFailed(job, failure);
        this.placed(job, frame, tile, isLast, others, verdict.isVerified);
        return;
      default:
        throw verdict satisfies never;
    }
  }

  acceptLone(job: LiveJob, frame: LiveFrame, tile: number): boolean {
    if (!loneCandidate(frame, tile, () => this.coordinator.workersOf(job.jobId))) return false;
    const others = liveAttempts(frame, tile);
    this.placed(job, frame, tile, job.acceptCandidate(frame, tile), others, false);
    return true;
  }

  private takeFailure(job: LiveJob, frame: LiveFrame, result: LoggedResult, outcome: Failed): void {
    const { coordinator } = this;
    const { world } = coordinator;
    const { tile, attempt, nodeId, atMs } = result;
    const { code, permanent } = outcome;
    this.blame(job, result, outcome);
    let consequence = job.failAttempt(frame, tile, attempt, permanent);
    if (consequence === 'retry' && world.plan.sabotage === 'failures count twice')
      consequence = job.failAttempt(frame, tile, attempt + 100, permanent);
    if (consequence === 'ignored') return;
    frame.failedAttempts.add(tile, { attempt, nodeId, atMs, code, message: '', logTail: '' });
    world.audit.failureCounted(job, frame, tile, consequence === 'tile_failed', permanent);
    if (consequence === 'tile_failed') coordinator.tileFailed(job, frame);
    coordinator.feed();
  }
}
