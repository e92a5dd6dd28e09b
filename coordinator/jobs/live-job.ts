/**
 * A running job in memory: what of it is queued, done and failed. Data and functions only; nothing here waits or talks.
 * It can be rebuilt at any moment from the job's record, its frame and retry records and the results stream.
 */
import type { JobId } from '#shared/domain/ids.js';
import type { JobRecord, JobState } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import { type FrameState, isFrameEnded, nextFrameState } from '#shared/state/frame-state.js';
import { NO_RETRIES, type RetriesRecord } from '../adapters/store/records.js';
import { type TileGrid, tileGrid } from '../planning/tile-grid.js';
import {
  type LiveFrame,
  liveFrame,
  moveFrame,
  moveTile,
  type PlacedResult,
  tileState,
} from './live-frame.js';

/** What a frame's record says: of one that ended before this coordinator started, or that is rendered again. */
export interface EndedFrame {
  readonly frame: number;
  readonly state: 'finished' | 'failed';
  readonly tilesDone: number;
  readonly tilesFailed: number;
  readonly coreSeconds: number;
}

export interface JobProgress {
  readonly framesTotal: number;
  readonly framesFinished: number;
  readonly framesFailed: number;
  readonly tilesTotal: number;
  readonly tilesDone: number;
  readonly tilesFailed: number;
  readonly tilesQueued: number;
  readonly coreSeconds: number;
}

export interface NextTile {
  readonly frame: LiveFrame;
  readonly tile: number;
  readonly attempt: number;
}

export class LiveJob {
  readonly record: JobRecord;
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
  private framesFinished = 0;
  private framesFailed = 0;
  private tilesDone = 0;
  private tilesFailed = 0;
  private coreSeconds = 0;
  private readonly frameIndexes: ReadonlyMap<number, number>;
  private readonly endedFrames = new Map<number, 'finished' | 'failed'>();
  private readonly frames = new Map<number, LiveFrame>();
  private retries: { frame: LiveFrame; tile: number }[] = [];
  private nextFrameIndex = 0;
  private nextTileIndex = 0;

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
    for (const ended of endedFrames) {
      const index = this.frameIndexes.get(ended.frame);
      if (index === undefined) continue;
      this.endedFrames.set(index, ended.state);
      if (ended.state === 'finished') this.framesFinished++;
      else this.framesFailed++;
      this.tilesDone += ended.tilesDone;
      this.tilesFailed += ended.tilesFailed;
      this.coreSeconds += ended.coreSeconds;
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

  /** Whether no result of this tile is needed any more; false for what is none of the job's. */
  isOver(frameNumber: number, tile: number): boolean {
    const index = this.frameIndexes.get(frameNumber);
    if (index === undefined || tile >= this.grid.count) return false;
    if (this.endedFrames.has(index)) return true;
    const frame = this.frames.get(index);
    if (!frame) return false;
    const state = tileState(frame, tile);
    return state === 'done' || state === 'failed' || state === 'cancelled';
  }

  /** The next tile for the queue, in frame order, tiles to be tried again first; it counts as queued from now on. */
  takeNextTile(): NextTile | undefined {
    while (this.retries.length > 0) {
      const { frame, tile } = this.retries.pop()!;
      if (frame.state === 'rendering' && tileState(frame, tile) === 'planned') return this.feed(frame, tile);
    }
    for (; this.nextFrameIndex < this.record.frames.length; this.nextFrameIndex++, this.nextTileIndex = 0) {
      const frame = this.openFrame(this.record.frames[this.nextFrameIndex]!);
      if (!frame || isFrameEnded(frame.state)) continue;
      while (this.nextTileIndex < this.grid.count) {
        const tile = this.nextTileIndex++;
        if (tileState(frame, tile) === 'planned') return this.feed(frame, tile);
      }
    }
    return undefined;
  }

  /** The first valid result of a tile. @returns whether it was the frame's last one. */
  place(frame: LiveFrame, tile: number, result: PlacedResult): boolean {
    this.changes++;
    if (tileState(frame, tile) === 'queued') this.tilesQueued--;
    if (frame.state === 'waiting') moveFrame(frame, 'tile_moved');
    moveTile(frame, tile, 'result_placed');
    frame.attempts[tile] = Math.max(frame.attempts[tile]!, result.attempt);
    frame.results[tile] = result;
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
    if ((state !== 'planned' && state !== 'queued') || attempt <= frame.failedUpTo[tile]!) return 'ignored';
    this.changes++;
    frame.failedUpTo[tile] = attempt;
    frame.failures[tile]!++;
    if (frame.state === 'waiting') moveFrame(frame, 'tile_moved');
    const isCurrent = attempt >= frame.attempts[tile]!;
    frame.attempts[tile] = Math.max(attempt, frame.attempts[tile]!);
    if (permanent || frame.failures[tile]! >= this.record.maxAttempts) {
      if (state === 'queued') this.tilesQueued--;
      moveTile(frame, tile, 'attempts_exhausted');
      this.tilesFailed++;
      moveFrame(frame, 'tile_failed');
      return 'tile_failed';
    }
    // A newer attempt is in the queue already.
    if (state === 'queued' && !isCurrent) return 'retry';
    if (state === 'queued') this.tilesQueued--;
    moveTile(frame, tile, 'attempt_failed');
    this.retries.push({ frame, tile });
    return 'retry';
  }

  /** A queued tile is neither in the stream nor done: it is queued again, under the next attempt's name. */
  requeue(frame: LiveFrame, tile: number): void {
    this.changes++;
    this.tilesQueued--;
    moveTile(frame, tile, 'found_missing');
    this.retries.push({ frame, tile });
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
      // Going back looks at open frames once more, whose tiles are no longer planned.
      if (index > this.nextFrameIndex) continue;
      this.nextFrameIndex = index;
      this.nextTileIndex = 0;
    }
  }

  private feed(frame: LiveFrame, tile: number): NextTile {
    if (frame.state === 'waiting') moveFrame(frame, 'tile_moved');
    this.changes++;
    moveTile(frame, tile, 'fed');
    this.tilesQueued++;
    const attempt = frame.attempts[tile]! + 1;
    frame.attempts[tile] = attempt;
    frame.sequences[tile] = 0;
    return { frame, tile, attempt };
  }
}

function attemptsBeforeOf(retries: RetriesRecord): ReadonlyMap<number, number> {
  return new Map(retries.frames.map(({ frame, attemptsBefore }) => [frame, attemptsBefore]));
}
