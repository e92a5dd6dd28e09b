/**
 * Reads the RESULTS stream from its first message on (so that a restart rebuilds what is done), joins parts, and takes
 * the first valid result of each tile. Idempotent: the key is (job, plan, frame, tile), later results are dropped.
 * One message costs one header parse, one schema check and one SHA-256; everything slower happens elsewhere.
 */
import { createHash } from 'node:crypto';
import type { JsMsg } from '@nats-io/jetstream';
import { decodeMessage, RESULT_HEADER, type ResultMeta, resultMetaSchema } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { isFrameEnded } from '#shared/state/frame-state.js';
import type { FailedTile } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import { blameOfFailure, blameOfOdd } from '../jobs/blame-of-results.js';
import { giveUpBytes, type LiveFrame, type PlacedResult, tileState } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';
import { heldBytes, type LiveAttempt, liveAttempts, loneCandidate } from '../jobs/tile-case.js';
import type { NodeFailure } from '../scheduling/blame.js';
import { joinParts } from './join-parts.js';
import { publishFailure } from './reject-result.js';
import { ResultReader } from './result-reader.js';
import { startJob } from './start-job.js';
import {
  tellDifferent,
  tellLoneNode,
  tellOdd,
  undecidableTile,
  type WeighedResult,
  type WorkersOf,
} from './tell-opinions.js';

/** Purged in one round of the reconcile loop; beyond this many, the next stray result of a job names it again. */
const STRAYS_MAX = 1_000;
/** Of what an attempt failed with: a line for people; the rest is in its log. */
const MESSAGE_CHARS_MAX = 1_000;

export interface CollectorHooks {
  /** A slot of the job's window is free, or a tile is to be tried again. */
  windowMoved(): void;
  frameComplete(job: LiveJob, frame: LiveFrame): void;
  tileFailed(job: LiveJob, frame: LiveFrame, failed: FailedTile): void;
  /** An attempt failed that another node might not have failed, of a tile that is done meanwhile too. */
  attemptFailed(job: LiveJob, failure: Omit<NodeFailure, 'jobId' | 'studio'>): void;
  /** A result of a tile counts. Called for each. */
  tileDone(job: LiveJob, frame: LiveFrame, tile: number): void;
  /** Other attempts at a tile that is done. */
  leftOver(job: LiveJob, frame: number, tile: number, attempts: readonly LiveAttempt[]): void;
  /** What a tile used, at most. Called for each result. */
  memorySeen(job: LiveJob, peakMemoryBytes: number): void;
  readonly workersOf: WorkersOf;
}

type RenderedMeta = ResultMeta & { outcome: { kind: 'rendered' } };
type FailedMeta = ResultMeta & { outcome: { kind: 'failed' } };

export class Collector {
  private readonly farm: Farm;
  private readonly hooks: CollectorHooks;
  private readonly reader: ResultReader;
  private heldBytes = 0;
  /** Jobs that have ended, or that nobody knows, whose results keep coming: the reconcile loop purges them. */
  readonly strays = new Set<JobId>();

  constructor(farm: Farm, hooks: CollectorHooks) {
    this.farm = farm;
    this.hooks = hooks;
    this.reader = new ResultReader(farm, (message) => this.take(message));
  }

  /** Starts reading; resolves when everything that is in the stream now has been taken in. */
  async start(): Promise<void> {
    const { messages } = await this.reader.start();
    if (messages > 0) await this.caughtUp();
  }

  /** Resolves when every result that was in the stream at the time of the call has been taken in; false: not so soon. */
  caughtUp(patience?: AbortSignal): Promise<boolean> {
    return this.reader.caughtUp(patience);
  }

  /** Removes the results of a subject from the stream. Resolves when they are gone. */
  purge(filter: string): Promise<void> {
    return this.reader.purge(filter);
  }

  /** Bytes of collected results that are no longer held. */
  released(bytes: number): void {
    this.heldBytes -= bytes;
  }

  /** Nobody will ask for a job's results any more: those of its open frames are given up. */
  forget(job: LiveJob): void {
    for (const frame of job.openFrames()) this.heldBytes -= giveUpBytes(frame);
  }

  /** Stream sequence of the last message taken. */
  get lastSequence(): number {
    return this.reader.lastSequence;
  }

  /** The stream was made anew: goes on with its first message. */
  async restart(): Promise<void> {
    this.farm.events.streamsLost();
    await this.reader.restart();
  }

  stop(): Promise<void> {
    return this.reader.stop();
  }

  private take(message: JsMsg): void {
    let meta: ResultMeta;
    try {
      const text = message.headers?.get(RESULT_HEADER) ?? '';
      meta = decodeMessage(resultMetaSchema, text, `result ${message.subject}`);
      // Purges go by subject, so that a result under another one's would never go, or go too soon.
      if (message.subject !== this.farm.bus.names.result(meta, meta.part))
        throw new FarmError(
          'MESSAGE_INVALID',
          `its header says tile ${meta.frame}/${meta.tile} of ${meta.jobId}`,
        );
    } catch (error) {
      this.farm.log.warn({ subject: message.subject, reason: messageOf(error) }, 'result dropped');
      return;
    }
    const job = this.farm.jobs.liveJob(meta.jobId);
    if (!job || job.isEnding) {
      if (!job && this.strays.size < STRAYS_MAX) this.strays.add(meta.jobId);
      return;
    }
    const layout = job.frames.layoutOf(meta.frame);
    if (meta.planId !== layout.planId || meta.tile >= layout.count) {
      this.farm.log.debug(
        { jobId: meta.jobId, planId: meta.planId, tile: meta.tile },
        'result of another plan dropped',
      );
      return;
    }
    const frame = job.openFrame(meta.frame);
    if (!frame || isFrameEnded(frame.state)) {
      if (meta.outcome.kind === 'failed') this.blame(job, meta as FailedMeta, message);
      return;
    }
    if (job.state === 'queued') startJob(this.farm, job, this.isNews(job, message.seq));
    if (meta.outcome.kind === 'failed') this.takeFailure(job, frame, meta as FailedMeta, message);
    else this.takeRendered(job, frame, meta as RenderedMeta, message);
  }

  private takeRendered(job: LiveJob, frame: LiveFrame, meta: RenderedMeta, message: JsMsg): void {
    if (tileState(frame, meta.tile) === 'done') {
      this.compareDuplicate(job, frame, meta, message.seq);
      return;
    }
    const { whole, waitingBytes } = joinParts(
      frame,
      meta,
      message.data,
      message.seq,
      this.hasRoomFor(message.data.byteLength),
    );
    this.heldBytes += waitingBytes;
    if (!whole) return;
    this.hooks.memorySeen(job, meta.peakMemoryBytes);
    const { outcome } = meta;
    const wrong = whole.bytes && whatIsWrong(whole.bytes, outcome);
    if (wrong) {
      this.refuse(job, meta, message.seq, wrong);
      return;
    }
    const bytes = whole.bytes && this.hasRoomFor(whole.bytes.byteLength) ? whole.bytes : undefined;
    const result: PlacedResult = {
      digest: outcome.digest,
      nodeId: meta.nodeId,
      attempt: meta.attempt,
      renderer: meta.renderer,
      sequences: whole.sequences,
      sizeBytes: outcome.sizeBytes,
      coreSeconds: meta.coreSeconds,
      renderMs: meta.renderMs,
      bytes,
    };
    if (job.needsSecondOpinion(frame.frame, meta.tile)) this.weigh(job, frame, meta.tile, result, message);
    else this.place(job, frame, meta.tile, result);
  }

  private place(job: LiveJob, frame: LiveFrame, tile: number, result: PlacedResult): void {
    const others = liveAttempts(frame, tile).filter(({ attempt }) => attempt !== result.attempt);
    this.heldBytes += result.bytes?.byteLength ?? 0;
    this.placed(job, frame, tile, job.place(frame, tile, result), others);
  }

  private placed(
    job: LiveJob,
    frame: LiveFrame,
    tile: number,
    isLast: boolean,
    others: readonly LiveAttempt[],
  ): void {
    if (others.length > 0) this.hooks.leftOver(job, frame.frame, tile, others);
    this.hooks.tileDone(job, frame, tile);
    this.hooks.windowMoved();
    if (isLast) this.hooks.frameComplete(job, frame);
  }

  /** A valid result of a tile that counts only once another node has given the same. */
  private weigh(job: LiveJob, frame: LiveFrame, tile: number, result: PlacedResult, message: JsMsg): void {
    const heldBefore = heldBytes(frame, tile);
    const others = liveAttempts(frame, tile).filter(({ attempt }) => attempt !== result.attempt);
    const { verdict, isLast } = job.weigh(frame, tile, result, () => this.hooks.workersOf(job.jobId));
    this.heldBytes += heldBytes(frame, tile) - heldBefore;
    const weighed: WeighedResult = { job, frame, tile, result, sequence: message.seq };
    const isNews = this.isNews(job, message.seq);
    switch (verdict.kind) {
      case 'repeated':
        return;
      case 'waits':
        if (!this.acceptLone(job, frame, tile)) this.hooks.windowMoved();
        return;
      case 'own':
      case 'differs':
        if (isNews && verdict.kind === 'differs') tellDifferent(this.farm, weighed);
        this.hooks.windowMoved();
        return;
      case 'undecidable':
        this.giveUp(weighed, isNews, message.time.getTime());
        return;
      case 'agrees':
        // A node of another version is named, and not blamed.
        for (const odd of verdict.isVerified && isNews ? verdict.odd : [])
          tellOdd(this.farm, weighed, verdict.accepted, odd);
        for (const failure of blameOfOdd(verdict, frame, tile, message.time.getTime()))
          this.hooks.attemptFailed(job, failure);
        this.placed(job, frame, tile, isLast, others);
        return;
      default:
        throw verdict satisfies never;
    }
  }

  /** Accepts the one result of a tile that waits for a second opinion, if nobody else may give one. @returns whether. */
  acceptLone(job: LiveJob, frame: LiveFrame, tile: number): boolean {
    const lone = loneCandidate(frame, tile, () => this.hooks.workersOf(job.jobId));
    if (!lone) return false;
    tellLoneNode(this.farm, job, lone.nodeId);
    const others = liveAttempts(frame, tile);
    this.placed(job, frame, tile, job.acceptCandidate(frame, tile), others);
    return true;
  }

  private giveUp({ job, frame, tile, result, sequence }: WeighedResult, isNews: boolean, atMs: number): void {
    const failed = undecidableTile(frame, tile, atMs);
    if (isNews)
      void this.farm.events.publish({
        jobId: job.jobId,
        kind: 'tile_failed',
        state: job.state,
        frame: frame.frame,
        tile,
        attempt: result.attempt,
        nodeId: result.nodeId,
        message: failed.attempts.at(-1)?.message ?? '',
        resultSequence: sequence,
      });
    this.hooks.tileFailed(job, frame, failed);
    this.hooks.windowMoved();
  }

  private blame(job: LiveJob, { outcome, ...meta }: FailedMeta, { time }: JsMsg): void {
    const failure = blameOfFailure(job, { ...meta, ...outcome, atMs: time.getTime() });
    if (failure) this.hooks.attemptFailed(job, failure);
  }

  private hasRoomFor(bytes: number): boolean {
    return this.heldBytes + bytes <= this.farm.collectedBytesMax;
  }

  private takeFailure(job: LiveJob, frame: LiveFrame, meta: FailedMeta, result: JsMsg): void {
    this.blame(job, meta, result);
    const { seq: sequence } = result;
    const atMs = result.time.getTime();
    const { outcome, tile, attempt, nodeId } = meta;
    const { code, logTail } = outcome;
    const consequence = job.failAttempt(frame, tile, attempt, outcome.permanent);
    if (consequence === 'ignored') return;
    const message = outcome.message.slice(0, MESSAGE_CHARS_MAX);
    frame.failedAttempts.add(tile, { attempt, nodeId, atMs, code, message, logTail });
    const where = {
      jobId: meta.jobId,
      frame: meta.frame,
      tile: meta.tile,
      attempt: meta.attempt,
      nodeId: meta.nodeId,
    };
    const isNews = this.isNews(job, sequence);
    if (isNews) {
      this.farm.log.warn({ ...where, code: outcome.code, reason: outcome.message }, 'attempt failed');
      void this.farm.events.publish({
        ...where,
        kind: 'attempt_failed',
        state: job.state,
        message: `${code}: ${message}`,
        // With what follows from it still to be told, it is told once more after a kill, rather than that left out.
        resultSequence: consequence === 'retry' ? sequence : sequence - 1,
      });
    }
    if (consequence === 'retry') {
      this.hooks.windowMoved();
      return;
    }
    const attempts = [...frame.failedAttempts.of(tile)];
    if (isNews)
      void this.farm.events.publish({
        ...where,
        kind: 'tile_failed',
        state: job.state,
        message: `tile ${tile} of frame ${meta.frame} is given up after ${attempts.length} of ${job.record.maxAttempts} tries: ${message}`,
        resultSequence: sequence,
      });
    this.hooks.tileFailed(job, frame, { tile, attempts });
    this.hooks.windowMoved();
  }

  /** A second result of a done tile: dropped; other pixels from a deterministic renderer name both nodes. */
  private compareDuplicate(job: LiveJob, frame: LiveFrame, meta: RenderedMeta, sequence: number): void {
    const first = frame.results[meta.tile];
    if (!first || first.digest === meta.outcome.digest || meta.part !== 0) return;
    if (!this.isNews(job, sequence)) return;
    this.tellRejected(
      job,
      meta,
      sequence,
      `it differs from the result of node ${first.nodeId} (${first.renderer}), which was first`,
    );
  }

  /** A result that is not what it says: the attempt has failed, and its node is named. */
  private refuse(job: LiveJob, meta: RenderedMeta, sequence: number, reason: string): void {
    // An earlier run has reported it: its report stands further on in the stream.
    if (this.isNews(job, sequence)) this.tellRejected(job, meta, sequence, reason);
    void publishFailure(this.farm, job, { ...meta, reason }).catch((err: unknown) => {
      if (!this.farm.signal.aborted)
        this.farm.log.error({ jobId: job.jobId, err }, 'rejected result not reported');
    });
  }

  private tellRejected(job: LiveJob, meta: RenderedMeta, sequence: number, reason: string): void {
    const { jobId, frame, tile, attempt, nodeId } = meta;
    this.farm.log.warn({ jobId, frame, tile, attempt, nodeId, reason }, 'result rejected');
    void this.farm.events.publish({
      jobId,
      kind: 'result_rejected',
      state: job.state,
      frame,
      tile,
      attempt,
      nodeId,
      message: `the result of node ${nodeId} (${meta.renderer}) was dropped: ${reason}`,
      resultSequence: sequence,
    });
  }

  /** Whether no earlier run has told what a result of the job had to tell. */
  private isNews(job: LiveJob, sequence: number): boolean {
    return sequence > this.farm.events.toldUpTo(job.jobId);
  }
}

/** Why bytes are not the result that they are said to be. */
function whatIsWrong(bytes: Uint8Array, outcome: RenderedMeta['outcome']): string | undefined {
  if (bytes.byteLength !== outcome.sizeBytes)
    return `${bytes.byteLength} bytes instead of ${outcome.sizeBytes}`;
  return createHash('sha256').update(bytes).digest('hex') === outcome.digest
    ? undefined
    : 'its bytes do not match its digest';
}
