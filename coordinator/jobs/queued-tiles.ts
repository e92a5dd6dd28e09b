/** The attempts of a job that count as queued, wherever they are: in the stream, on their way, or with a node. */
import { isFrameEnded } from '#shared/state/frame-state.js';
import { type LiveFrame, tileState } from './live-frame.js';
import type { LiveJob } from './live-job.js';
import { isAttemptStale, liveAttempts } from './tile-case.js';

export interface QueuedTile {
  readonly open: LiveFrame;
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  /** Of its message in TILES; 0: not known. */
  readonly sequence: number;
}

export function queuedTiles(job: LiveJob): QueuedTile[] {
  const queued: QueuedTile[] = [];
  for (const open of job.openFrames()) {
    if (open.state !== 'rendering') continue;
    for (let tile = 0; tile < open.layout.count; tile++) {
      if (tileState(open, tile) !== 'queued') continue;
      for (const { attempt, sequence } of liveAttempts(open, tile))
        queued.push({ open, frame: open.frame, tile, attempt, sequence });
    }
  }
  return queued;
}

/** Whether nobody waits for an attempt of the job whose message is in the queue. */
export function isStaleInQueue(
  job: LiveJob,
  { frame: frameNumber, tile, attempt }: Pick<QueuedTile, 'frame' | 'tile' | 'attempt'>,
): boolean {
  const frame = job.openFrame(frameNumber);
  if (!frame || isFrameEnded(frame.state)) return true;
  return tile >= frame.layout.count || isAttemptStale(frame, tile, attempt);
}
