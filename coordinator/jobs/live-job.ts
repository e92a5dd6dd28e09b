/**
 * A running job in memory: what of it is queued, done and failed. Data and functions only; nothing here waits or talks.
 * It can be rebuilt at any moment from the job's record, its frame and retry records and the results stream.
 */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { JobRecord, JobState } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import { type FrameState, nextFrameState } from '#shared/state/frame-state.js';
import type { TileEvent } from '#shared/state/tile-state.js';
import { NO_RETRIES, type RetriesRecord } from '../adapters/store/records.js';
import { type TileGrid, tileGrid } from '../planning/tile-grid.js';
import { avoidList, isLeftAlone } from '../recovery/avoid-list.js';
import { needsSecondOpinion, secondOpinion, type Verdict } from '../recovery/second-opinion.js';
import type { EndedFrame, JobProgress } from './job-progress.js';
import {
  type LiveFrame,
  liveFrame,
  moveFrame,
  moveTile,
  type PlacedResult,
  tileState,
} from './live-frame.js';
import { dropLive, isAttemptStale, isTileOver, liveAttempts, tileCase, unwantedNodes } from './tile-case.js';
import { addTileCounts, noTileCounts } from './tile-counts.js';
import { type NextTile, type TakeOptions, TileOrder } from './tile-order.js';

export class LiveJob {
  /** Replaced once, by the same with the version of its renderer, when that is decided (loops/pin-jobs.ts). */
  record: JobRecord;
  readonly jobId: JobId;
  readonly grid: TileGrid;
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
  private framesFinished = 0;
  private framesFailed = 0;
  private tilesDone = 0;
  private tilesFailed = 0;
  private coreSeconds = 0;
  private readonly counts = noTileCounts();
  private resultCount = 0;
  private renderMsSum = 0;
  private readonly frameIndexes: ReadonlyMap<number, number>;
  private readonly endedFrames = new Map<number, 'finished' | 'failed'>();
  private readonly frames = new Map<number, LiveFrame>();
  private readonly order: TileOrder;
  /** The isolated tile that was given out last. */
  private isolatedOut: { readonly frame: LiveFrame; readonly tile: number } | undefined;
  private attemptsBefore: ReadonlyMap<number, number>;

  /** @param endedFrames without those that `retries` names and that have not ended since. */
  constructor(
    record: JobRecord,
    endedFrames: readonly EndedFrame[] = [],
    retries: RetriesRecord = NO_RETRIES,
  ) {
    this.record = record;
    this.frameRetries = retries;
    this.attemptsBefore = attemptsBeforeOf(retries);
    this.jobId = record.jobId;
    this.grid = tileGrid(record.settings, record.plan);
    this.frameIndexes = new Map(record.frames.map((frame, index) => [frame, index]));
    this.order = new TileOrder(record.frames, this.grid.count, (frame) => this.openFrame(frame));
    for (const ended of endedFrames) {
      const index = this.frameIndexes.get(ended.frame);
      if (index === undefined) continue;
      this.endedFrames.set(index, ended.state);
      if (ended.state === 'finished') this.framesFinished++;
      else this.framesFailed++;
      this.tilesDone += ended.tilesDone;
      this.tilesFailed += ended.tilesFailed;
      this.coreSeconds += ended.coreSeconds;
      addTileCounts([this.counts], ended.counts);
    }
  }

  progress(): JobProgress {
    return {
      framesTotal: this.record.frames.length,
      framesFinished: this.framesFinished,
      framesFailed: this.framesFailed,
      tilesTotal: this.record.frames.length * this.grid.count,
      tilesDone: this.tilesDone,
      tilesFailed: this.tilesFailed,
      tilesQueued: this.tilesQueued,
      coreSeconds: this.coreSeconds,
      ...this.counts,
    };
  }

  areAllFramesEnded(): boolean {
    return this.framesFinished + this.framesFailed === this.record.frames.length;
  }

  hasFailedFrames(): boolean {
    return this.framesFailed > 0;
  }

  frameStateAt(index: number): FrameState {
    return this.endedFrames.get(index) ?? this.frames.get(index)?.state ?? 'waiting';
  }

  /** Tiles done of a frame that is open; 0 for one that waits. */
  tilesDoneAt(index: number): number {
    return this.frames.get(index)?.doneCount ?? 0;
  }

  openFrames(): IterableIterator<LiveFrame> {
    return this.frames.values();
  }

  /** The open frame with this number, opened if need be; nothing when it has ended or is none of the job's. */
  openFrame(frameNumber: number): LiveFrame | undefined {
    const index = this.frameIndexes.get(frameNumber);
    if (index === undefined || this.endedFrames.has(index)) return undefined;
    let frame = this.frames.get(index);
    if (!frame) {
      const attemptsBefore = this.attemptsBefore.get(frameNumber) ?? 0;
      frame = liveFrame(frameNumber, index, this.grid.count, attemptsBefore);
      this.frames.set(index, frame);
    }
    return frame;
  }

  /** Whether no result of this tile (of this attempt at it) is needed any more; false for what is none of the job's. */
  isOver(frameNumber: number, tile: number, attempt?: number): boolean {
    const index = this.frameIndexes.get(frameNumber);
    if (index === undefined || tile >= this.grid.count) return false;
    if (this.endedFrames.has(index)) return true;
    const frame = this.frames.get(index);
    if (!frame) return false;
    return isTileOver(frame, tile) || (attempt !== undefined && isAttemptStale(frame, tile, attempt));
  }

  /** What a tile takes on average, in ms; 0: not known. */
  get expectedMs(): number {
    return this.resultCount === 0 ? 0 : this.renderMsSum / this.resultCount;
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
  takeNextTile({ workers = () => [], isIsolatedOut = false }: TakeOptions = {}): NextTile | undefined {
    const next = this.order.next(!isIsolatedOut && !this.isIsolatedOut);
    if (!next) return undefined;
    const { frame, tile, copyOfNode } = next;
    if (frame.cases.get(tile)?.isIsolated) this.isolatedOut = { frame, tile };
    const unwanted = [...unwantedNodes(frame, tile), ...(copyOfNode ? [copyOfNode] : [])];
    return this.feed(frame, tile, avoidList(unwanted, workers));
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
    this.resultCount++;
    this.renderMsSum += result.renderMs;
    frame.doneCount++;
    this.tilesDone++;
    this.coreSeconds += result.coreSeconds;
    if (frame.doneCount < this.grid.count) return false;
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
    this.tilesDone--;
    this.tilesQueued++;
    this.coreSeconds -= result.coreSeconds;
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
    addTileCounts([this.counts, frame.counts], { attemptsFailed: 1 });
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
        addTileCounts([this.counts, frame.counts], { attemptsFailed: known.candidates.length });
        this.giveUp(frame, tile, result.attempt);
        break;
      case 'agrees': {
        const { accepted, isVerified, odd } = verdict;
        if (isVerified) {
          addTileCounts([this.counts, frame.counts], { tilesVerified: 1, attemptsFailed: odd.length });
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
    addTileCounts([this.counts, frame.counts], { tilesSpeculated: 1 });
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
    for (let tile = 0; tile < this.grid.count; tile++)
      if (tileState(frame, tile) === 'queued') this.tilesQueued--;
    this.changes++;
    this.endedFrames.set(frame.index, state);
    this.frames.delete(frame.index);
    if (state === 'finished') this.framesFinished++;
    else this.framesFailed++;
  }

  /** Numbers of the frames that are recorded as failed. */
  failedFrames(): number[] {
    return this.record.frames.filter((_, index) => this.endedFrames.get(index) === 'failed');
  }

  /** Recorded failed frames are rendered again: their records no longer count, and their tiles come next. */
  retry(failed: readonly EndedFrame[], retries: RetriesRecord): void {
    this.changes++;
    this.frameRetries = retries;
    this.attemptsBefore = attemptsBeforeOf(retries);
    for (const frame of failed) {
      const index = this.frameIndexes.get(frame.frame);
      const state = index === undefined ? undefined : this.endedFrames.get(index);
      invariant(index !== undefined && state === 'failed', `frame ${frame.frame} is ${state}, not failed`);
      invariant(nextFrameState(state, 'retry_requested') === 'waiting', 'a retried frame waits');
      this.endedFrames.delete(index);
      this.framesFailed--;
      this.tilesDone -= frame.tilesDone;
      this.tilesFailed -= frame.tilesFailed;
      this.coreSeconds -= frame.coreSeconds;
      addTileCounts([this.counts], frame.counts, -1);
      this.order.goBackTo(index);
    }
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
    this.tilesFailed++;
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

function attemptsBeforeOf(retries: RetriesRecord): ReadonlyMap<number, number> {
  return new Map(retries.frames.map(({ frame, attemptsBefore }) => [frame, attemptsBefore]));
}
