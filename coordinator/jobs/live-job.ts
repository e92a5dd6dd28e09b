/**
 * A running job in memory: what of it is queued, done and failed. Data and functions only; nothing here waits or talks.
 * It can be rebuilt at any moment from the job's record, its frame and retry records and the results stream.
 */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { JobRecord, JobState } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import type { FrameState } from '#shared/state/frame-state.js';
import type { TileEvent } from '#shared/state/tile-state.js';
import { NO_RETRIES, type RetriesRecord } from '../adapters/store/records.js';
import { frameOrder } from '../planning/frame-order.js';
import type { GridLayout } from '../planning/layout.js';
import type { LayoutsRecord } from '../planning/layout-record.js';
import { avoidList, isLeftAlone } from '../recovery/avoid-list.js';
import { needsSecondOpinion, secondOpinion, type Verdict } from '../recovery/second-opinion.js';
import { JobFrames } from './job-frames.js';
import type { JobLayouts } from './job-layouts.js';
import type { EndedFrame, JobProgress } from './job-progress.js';
import { JobTally } from './job-tally.js';
import { type LiveFrame, moveFrame, moveTile, type PlacedResult, tileState } from './live-frame.js';
import { dropLive, liveAttempts, tileCase, unwantedNodes } from './tile-case.js';
import { addTileCounts } from './tile-counts.js';
import { type NextTile, type TakeOptions, TileOrder } from './tile-order.js';

export class LiveJob {
  /** Replaced once, by the same with the version of its renderer, when that is decided (loops/pin-jobs.ts). */
  record: JobRecord;
  readonly jobId: JobId;
  state: JobState = 'queued';
  /** Which frames are rendered again, and how many retries there were. */
  frameRetries: RetriesRecord;
  /** The end is being recorded: nothing more is queued or placed. */
  isEnding = false;
  /** Publishes of tiles that have not been answered: a purge waits for them. */
  readonly publishes = new Set<Promise<unknown>>();
  tilesQueued = 0;
  /** Grows whenever something changes that a watcher would show. */
  changes = 0;
  /** It has been told that tiles are accepted without a second opinion. */
  isLoneNodeTold = false;
  /** What a slot used at most in this run, of its tiles so far. */
  peakMemoryBytes = 0;
  private readonly tally = new JobTally();
  readonly frames: JobFrames;
  private readonly order: TileOrder;
  /** The isolated tile that was given out last. */
  private isolatedOut: { readonly frame: LiveFrame; readonly tile: number } | undefined;

  /** @param endedFrames without those that `retries` names and that have not ended since. */
  constructor(
    record: JobRecord,
    endedFrames: readonly EndedFrame[] = [],
    retries: RetriesRecord = NO_RETRIES,
    layouts?: LayoutsRecord,
  ) {
    this.record = record;
    this.frameRetries = retries;
    this.jobId = record.jobId;
    this.frames = new JobFrames(record, layouts);
    const { frames } = record;
    const order = frameOrder(record.schedule.frameOrder, frames.length);
    this.order = new TileOrder({ frames, order, openFrame: (frame) => this.openFrame(frame) });
    for (const ended of endedFrames) {
      const index = this.frames.indexOf(ended.frame);
      if (index === undefined) continue;
      this.frames.setEnded(index, ended);
      this.tally.add(ended);
    }
    this.order.goBackTo(this.frames.setRetries(retries));
    const { mayChange, newest } = this.layouts;
    this.isHeld = record.schedule.previewJobId !== undefined && mayChange && newest.id === 0;
  }

  /** Whether no frame is begun for now: how it is cut is being decided. From the start for a job that has a preview. */
  get isHeld(): boolean {
    return this.order.isHeld;
  }

  set isHeld(isHeld: boolean) {
    this.order.isHeld = isHeld;
  }

  get layouts(): JobLayouts {
    return this.frames.layouts;
  }

  /** Layout 0 (planning/layout.ts). */
  get grid(): GridLayout {
    return this.layouts.grid;
  }

  progress(): JobProgress {
    const { framesFinished, framesFailed, tilesDone, tilesFailed, coreSeconds, counts } = this.tally;
    return {
      ...{ framesTotal: this.record.frames.length, framesFinished, framesFailed },
      ...{ tilesTotal: this.layouts.tilesTotal, tilesDone, tilesFailed, tilesQueued: this.tilesQueued },
      ...{ coreSeconds, ...counts },
    };
  }

  /** Tiles that are neither done nor given up. Cheap; asked for at each result. */
  get tilesOpen(): number {
    return this.layouts.tilesTotal - this.tally.tilesDone - this.frames.tilesGivenUp;
  }

  areAllFramesEnded(): boolean {
    return this.frames.areAllEnded;
  }

  hasFailedFrames(): boolean {
    return this.tally.framesFailed > 0;
  }

  frameStateAt(index: number): FrameState {
    return this.frames.stateAt(index);
  }

  /** Nothing for what is none of the job's. */
  frameStateOf(frameNumber: number): FrameState | undefined {
    const index = this.frames.indexOf(frameNumber);
    return index === undefined ? undefined : this.frames.stateAt(index);
  }

  openFrames(): IterableIterator<LiveFrame> {
    return this.frames.open.values();
  }

  /** The open frame with this number, opened if need be; nothing when it has ended or is none of the job's. */
  openFrame(frameNumber: number): LiveFrame | undefined {
    return this.frames.openOne(frameNumber);
  }

  /** Whether no result of this tile (of this attempt at it) is needed any more; false for what is none of the job's. */
  isOver(frameNumber: number, tile: number, attempt?: number): boolean {
    return this.frames.isOver(frameNumber, tile, attempt);
  }

  /** What this tile is expected to take in a slot, ms; 0: not known. */
  expectedMsOf(frame: LiveFrame, tile: number): number {
    return this.tally.expectedMsOf(frame, tile);
  }

  /** What a tile takes on average, in ms; 0: not known. */
  get expectedMs(): number {
    return this.tally.expectedMs;
  }

  /** Whether every tile has been given out, so that what is queued is all that is left. */
  get isAllOut(): boolean {
    return this.order.isAllOut;
  }

  /** Whether an isolated tile is in the queue or with a node. */
  get isIsolatedOut(): boolean {
    const { isolatedOut } = this;
    if (!isolatedOut) return false;
    return (
      isolatedOut.frame.state === 'rendering' && tileState(isolatedOut.frame, isolatedOut.tile) === 'queued'
    );
  }

  /** The next tile for the queue (tile-order.ts); it counts as queued from now on. */
  takeNextTile(options: TakeOptions = {}): NextTile | undefined {
    const { workers = () => [], isIsolatedOut = false, mayRender, mayBegin } = options;
    const next = this.order.next(!isIsolatedOut && !this.isIsolatedOut, mayRender, mayBegin);
    if (!next) return undefined;
    const { frame, tile, copyOfNode } = next;
    if (frame.cases.get(tile)?.isIsolated) this.isolatedOut = { frame, tile };
    const unwanted = [...unwantedNodes(frame, tile), ...(copyOfNode ? [copyOfNode] : [])];
    return this.feed(frame, tile, avoidList(unwanted, workers));
  }

  /** A frame that `mayRender` refused may be rendered now; without a number, all of them. */
  frameFreed(frameNumber?: number): void {
    if (frameNumber === undefined) this.order.allFreed();
    else this.order.freed(this.frames.indexOf(frameNumber) ?? -1);
  }

  /** The first valid result of a tile. @returns whether it was the frame's last one. */
  place(frame: LiveFrame, tile: number, result: PlacedResult): boolean {
    this.changes++;
    if (tileState(frame, tile) === 'queued') this.tilesQueued--;
    if (frame.state === 'waiting') moveFrame(frame, 'tile_moved');
    moveTile(frame, tile, 'result_placed');
    frame.attempts[tile] = Math.max(frame.attempts[tile]!, result.attempt);
    frame.results[tile] = result;
    frame.cases.delete(tile);
    this.tally.rendered(frame, tile, result.renderMs);
    frame.doneCount++;
    this.tally.tilesDone++;
    this.tally.coreSeconds += result.coreSeconds;
    if (frame.doneCount < frame.layout.count) return false;
    moveFrame(frame, 'tiles_complete');
    return true;
  }

  /** The stitcher could not use a placed result: the tile is open again, its attempt about to be reported as failed. */
  displace(frame: LiveFrame, tile: number): PlacedResult {
    const result = frame.results[tile];
    this.changes++;
    invariant(result, `displaced tile ${tile} has a result`);
    if (frame.state === 'stitching') moveFrame(frame, 'tile_unusable');
    moveTile(frame, tile, 'result_unusable');
    // Later attempts were withdrawn when it was placed: the report of this one must find no other that is live.
    tileCase(frame, tile).live = [{ attempt: result.attempt, sequence: 0, avoid: [] }];
    frame.results[tile] = undefined;
    frame.doneCount--;
    this.tally.tilesDone--;
    this.tilesQueued++;
    this.tally.coreSeconds -= result.coreSeconds;
    return result;
  }

  /** An attempt failed. @returns what that means for the tile; `ignored` when it is done, or this was counted before. */
  failAttempt(
    frame: LiveFrame,
    tile: number,
    attempt: number,
    permanent: boolean,
  ): 'ignored' | 'retry' | 'tile_failed' {
    const state = tileState(frame, tile);
    const counted = frame.failed.get(tile) ?? [];
    if ((state !== 'planned' && state !== 'queued') || attempt <= frame.attemptsBefore) return 'ignored';
    if (counted.includes(attempt)) return 'ignored';
    this.changes++;
    frame.failed.set(tile, [...counted, attempt]);
    addTileCounts([this.tally.counts, frame.counts], { attemptsFailed: 1 });
    if (permanent || counted.length + 1 >= this.record.maxAttempts) {
      this.giveUp(frame, tile, attempt);
      return 'tile_failed';
    }
    this.endAttempt(frame, tile, attempt, 'attempt_failed');
    return 'retry';
  }

  /** Failures of a tile that count. */
  failureCount(frame: LiveFrame, tile: number): number {
    return frame.failed.get(tile)?.length ?? 0;
  }

  /** Whether a tile counts only once two nodes have given the same pixels. */
  needsSecondOpinion(frame: number, tile: number): boolean {
    return needsSecondOpinion(this.record.plan.planId, frame, tile, this.record.verify);
  }

  /**
   * A valid result of a tile that needs a second opinion. It is kept, or decides: the tile is done, or (`undecidable`)
   * has failed. @returns the verdict, and for a tile that is done whether it was the frame's last one.
   */
  weigh(
    frame: LiveFrame,
    tile: number,
    result: PlacedResult,
    workers: () => readonly NodeId[] = () => [],
  ): { verdict: Verdict<PlacedResult>; isLast: boolean } {
    const known = tileCase(frame, tile);
    const isNobodyLeft = () => isLeftAlone(unwantedNodes(frame, tile), workers());
    const verdict = secondOpinion(known.candidates, result, this.record.maxAttempts, isNobodyLeft);
    let isLast = false;
    switch (verdict.kind) {
      case 'repeated':
        break;
      case 'waits':
      case 'differs':
      case 'own':
        if (verdict.kind !== 'own') known.candidates = [...known.candidates, result];
        this.changes++;
        this.endAttempt(frame, tile, result.attempt, 'to_be_verified');
        break;
      case 'undecidable':
        known.candidates = [...known.candidates, result];
        addTileCounts([this.tally.counts, frame.counts], { attemptsFailed: known.candidates.length });
        this.giveUp(frame, tile, result.attempt);
        break;
      case 'agrees': {
        const { accepted, isVerified, odd } = verdict;
        if (isVerified) {
          addTileCounts([this.tally.counts, frame.counts], { tilesVerified: 1, attemptsFailed: odd.length });
          accepted.agreedNodeId = result.nodeId;
        }
        accepted.bytes ??= result.bytes;
        isLast = this.place(frame, tile, accepted);
        break;
      }
      default:
        throw verdict satisfies never;
    }
    return { verdict, isLast };
  }

  /** No other node is there to give a second opinion on the one result of a tile. @returns as `place`. */
  acceptCandidate(frame: LiveFrame, tile: number): boolean {
    const candidates = frame.cases.get(tile)?.candidates ?? [];
    invariant(candidates.length === 1, `tile ${tile} has ${candidates.length} results, not one`);
    return this.place(frame, tile, candidates[0]!);
  }

  /** A queued attempt is neither in the stream nor done: the tile is queued again, unless another attempt still is. */
  requeue(frame: LiveFrame, tile: number, attempt: number = frame.attempts[tile]!): void {
    this.changes++;
    this.endAttempt(frame, tile, attempt, 'found_missing');
  }

  /** A queued tile is queued a second time, for another node than the one that holds it. */
  copy(frame: LiveFrame, tile: number, holder: NodeId): void {
    this.changes++;
    addTileCounts([this.tally.counts, frame.counts], { tilesSpeculated: 1 });
    this.order.copy(frame, tile, holder);
  }

  /** An agent ended while it rendered a tile. @returns how many have since it was last done. */
  countLoss(frame: LiveFrame, tile: number): number {
    return ++tileCase(frame, tile).losses;
  }

  /** A queued tile waits until no other isolated tile is out; its messages are the caller's to withdraw. */
  isolate(frame: LiveFrame, tile: number): void {
    const known = tileCase(frame, tile);
    known.isIsolated = true;
    for (const { attempt } of liveAttempts(frame, tile)) this.endAttempt(frame, tile, attempt, 'isolated');
  }

  /** The frame is recorded: finished (from stitching), or failed. Its tiles are forgotten. */
  closeFrame(frame: LiveFrame, state: 'finished' | 'failed'): void {
    if (frame.state === 'stitching') moveFrame(frame, state === 'finished' ? 'recorded' : 'stitch_failed');
    invariant(frame.state === state, `frame ${frame.frame} is ${frame.state}, not ${state}`);
    for (let tile = 0; tile < frame.layout.count; tile++)
      if (tileState(frame, tile) === 'queued') this.tilesQueued--;
    this.changes++;
    this.frames.close(frame, state);
    if (state === 'finished') this.tally.framesFinished++;
    else this.tally.framesFailed++;
  }

  /** Numbers of the frames that are recorded as failed. */
  failedFrames(): number[] {
    return this.record.frames.filter((_, index) => this.frames.ended.get(index) === 'failed');
  }

  /** Recorded failed frames are rendered again: their records no longer count, and their tiles come next. */
  retry(failed: readonly EndedFrame[], retries: RetriesRecord): void {
    this.changes++;
    this.frameRetries = retries;
    const reopened = failed.map((frame) => this.frames.reopen(frame));
    for (const frame of failed) this.tally.takeBack(frame);
    this.frames.setRetries(retries);
    this.order.goBackTo(reopened);
  }

  /** An attempt has ended without making the tile done: it is planned again, unless another attempt is under way. */
  private endAttempt(frame: LiveFrame, tile: number, attempt: number, event: TileEvent): void {
    if (frame.state === 'waiting') moveFrame(frame, 'tile_moved');
    const isQueued = tileState(frame, tile) === 'queued';
    const isOtherLive = dropLive(frame, tile, attempt);
    frame.attempts[tile] = Math.max(attempt, frame.attempts[tile]!);
    if (isOtherLive) return;
    if (isQueued) this.tilesQueued--;
    moveTile(frame, tile, event);
    this.order.again(frame, tile);
  }

  private giveUp(frame: LiveFrame, tile: number, attempt: number): void {
    if (frame.state === 'waiting') moveFrame(frame, 'tile_moved');
    frame.attempts[tile] = Math.max(attempt, frame.attempts[tile]!);
    if (tileState(frame, tile) === 'queued') this.tilesQueued--;
    moveTile(frame, tile, 'attempts_exhausted');
    this.tally.tilesFailed++;
    moveFrame(frame, 'tile_failed');
  }

  private feed(frame: LiveFrame, tile: number, avoid: readonly NodeId[]): NextTile {
    if (frame.state === 'waiting') moveFrame(frame, 'tile_moved');
    this.changes++;
    const others = liveAttempts(frame, tile);
    // A second copy finds the tile queued.
    if (others.length === 0) {
      moveTile(frame, tile, 'fed');
      this.tilesQueued++;
    }
    const attempt = frame.attempts[tile]! + 1;
    frame.attempts[tile] = attempt;
    frame.sequences[tile] = 0;
    if (others.length > 0 || avoid.length > 0)
      tileCase(frame, tile).live = [...others, { attempt, sequence: 0, avoid }];
    return { frame, tile, attempt, avoid };
  }
}
