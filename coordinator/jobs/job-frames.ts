/** The frames of a running job: which have ended, which are open, how each is cut. */
import type { JobRecord } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import { type FrameState, nextFrameState } from '#shared/state/frame-state.js';
import type { RetriesRecord } from '../adapters/store/records.js';
import type { Layout } from '../planning/layout.js';
import type { LayoutRecord, LayoutsRecord } from '../planning/layout-record.js';
import { JobLayouts } from './job-layouts.js';
import type { EndedFrame } from './job-progress.js';
import { type LiveFrame, liveFrame } from './live-frame.js';
import { isAttemptStale, isTileOver } from './tile-case.js';

export class JobFrames {
  readonly layouts: JobLayouts;
  /** Frames whose tiles are on the move, by place in the job's list. */
  readonly open = new Map<number, LiveFrame>();
  /** By place in the job's list. */
  readonly ended = new Map<number, 'finished' | 'failed'>();
  /** Tiles of failed frames that are not done. */
  tilesGivenUp = 0;
  private readonly total: number;
  /** By frame number. */
  private readonly indexes: ReadonlyMap<number, number>;
  private attemptsBefore: ReadonlyMap<number, number> = new Map();

  constructor(record: JobRecord, layouts?: LayoutsRecord) {
    this.layouts = new JobLayouts(record, layouts);
    this.total = record.frames.length;
    this.indexes = new Map(record.frames.map((frame, index) => [frame, index]));
  }

  get areAllEnded(): boolean {
    return this.ended.size === this.total;
  }

  /** Place in the job's list; nothing when it is none of the job's. */
  indexOf(frameNumber: number): number | undefined {
    return this.indexes.get(frameNumber);
  }

  /** How the frame with this number is cut; for what is none of the job's, the grid. */
  layoutOf(frameNumber: number): Layout {
    return this.layouts.of(this.indexes.get(frameNumber) ?? -1);
  }

  stateAt(index: number): FrameState {
    return this.ended.get(index) ?? this.open.get(index)?.state ?? 'waiting';
  }

  /** The open frame with this number, opened if need be; nothing when it has ended or is none of the job's. */
  openOne(frameNumber: number): LiveFrame | undefined {
    const index = this.indexes.get(frameNumber);
    if (index === undefined || this.ended.has(index)) return undefined;
    let frame = this.open.get(index);
    if (!frame) {
      const attemptsBefore = this.attemptsBefore.get(frameNumber) ?? 0;
      frame = liveFrame(frameNumber, index, this.layouts.of(index), attemptsBefore);
      this.open.set(index, frame);
    }
    return frame;
  }

  isOver(frameNumber: number, tile: number, attempt?: number): boolean {
    const index = this.indexes.get(frameNumber);
    if (index === undefined || tile >= this.layouts.of(index).count) return false;
    if (this.ended.has(index)) return true;
    const frame = this.open.get(index);
    if (!frame) return false;
    return isTileOver(frame, tile) || (attempt !== undefined && isAttemptStale(frame, tile, attempt));
  }

  /** Frames of which nothing was queued or came back: places in the job's list, first and last of each run, rising. */
  notBegun(): [first: number, last: number][] {
    const runs: [number, number][] = [];
    for (let index = 0; index < this.total; index++) {
      if (this.ended.has(index) || this.open.has(index)) continue;
      const run = runs.at(-1);
      if (run && run[1] === index - 1) run[1] = index;
      else runs.push([index, index]);
    }
    return runs;
  }

  /** Frames of these runs that have begun all the same: an old message came in, that an earlier coordinator had queued. */
  begunOf(runs: readonly (readonly [first: number, last: number])[]): number {
    const isIn = (index: number) => runs.some(([first, last]) => index >= first && index <= last);
    return [...this.open.keys(), ...this.ended.keys()].filter(isIn).length;
  }

  /** From now on the layout's frames, of which none has begun, are cut like this. It is recorded already. */
  addLayout(record: LayoutRecord): void {
    invariant(this.begunOf(record.frames) === 0, `frames of layout ${record.id} have begun`);
    this.layouts.add(record);
  }

  /** @returns places of retried frames that have not ended since, in the order of the record. */
  setRetries({ frames }: RetriesRecord): number[] {
    this.attemptsBefore = new Map(frames.map(({ frame, attemptsBefore }) => [frame, attemptsBefore]));
    const indexes = frames.flatMap(({ frame }) => this.indexes.get(frame) ?? []);
    return indexes.filter((index) => !this.ended.has(index));
  }

  /** A frame that ended before. */
  setEnded(index: number, { state, tilesDone }: EndedFrame): void {
    this.ended.set(index, state);
    if (state === 'failed') this.tilesGivenUp += this.layouts.of(index).count - tilesDone;
  }

  close({ index, layout, doneCount }: LiveFrame, state: 'finished' | 'failed'): void {
    this.ended.set(index, state);
    if (state === 'failed') this.tilesGivenUp += layout.count - doneCount;
    this.open.delete(index);
  }

  /** A failed frame waits again. @returns its place in the job's list. */
  reopen({ frame, tilesDone }: EndedFrame): number {
    const index = this.indexes.get(frame);
    const state = index === undefined ? undefined : this.ended.get(index);
    invariant(index !== undefined && state === 'failed', `frame ${frame} is ${state}, not failed`);
    invariant(nextFrameState(state, 'retry_requested') === 'waiting', 'a retried frame waits');
    this.ended.delete(index);
    this.tilesGivenUp -= this.layouts.of(index).count - tilesDone;
    return index;
  }
}
