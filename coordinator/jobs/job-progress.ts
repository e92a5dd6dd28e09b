/** How far a job is, in numbers. */
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
  readonly attemptsFailed: number;
  readonly tilesSpeculated: number;
  readonly tilesVerified: number;
}
