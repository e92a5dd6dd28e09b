/** How far a job is, in numbers. */
import type { TileCounts } from './tile-counts.js';

/** What a frame's record says: of one that ended before this coordinator started, or that is rendered again. */
export interface EndedFrame {
  readonly frame: number;
  readonly state: 'finished' | 'failed';
  readonly tilesDone: number;
  readonly tilesFailed: number;
  readonly coreSeconds: number;
  /** Nothing: nothing was counted. */
  readonly counts?: Readonly<TileCounts>;
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
  readonly attemptsFailed: number;
  readonly tilesSpeculated: number;
  readonly tilesVerified: number;
}
