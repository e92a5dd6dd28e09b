/** What results say of the nodes that gave them, for the book of failures (scheduling/blame.ts). Pure functions. */
import type { NodeId } from '#shared/domain/ids.js';
import { isFrameEnded } from '#shared/state/frame-state.js';
import type { Verdict } from '../recovery/second-opinion.js';
import type { NodeFailure } from '../scheduling/blame.js';
import { type LiveFrame, type PlacedResult, tileState } from './live-frame.js';
import type { LiveJob } from './live-job.js';

/** Of a job that is known. */
export type JobFailure = Omit<NodeFailure, 'jobId' | 'studio'>;

export interface FailedResult {
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  readonly nodeId: NodeId;
  readonly atMs: number;
  readonly code: string;
  /** It would fail on every node. */
  readonly permanent: boolean;
}

/** A failure says of its node what it says, though its tile is done or its frame has ended meanwhile. */
export function blameOfFailure(job: LiveJob, result: FailedResult): JobFailure | undefined {
  if (result.permanent) return undefined;
  const { frame, tile, attempt, nodeId, atMs, code } = result;
  const failure = { frame, tile, attempt, nodeId, atMs, code };
  const open = job.openFrame(frame);
  if (open && !isFrameEnded(open.state)) return { ...failure, isTileDone: tileState(open, tile) === 'done' };
  const state = job.frameStateAt(job.record.frames.indexOf(frame));
  return isFrameEnded(state) ? { ...failure, isTileDone: state === 'finished' } : undefined;
}

/**
 * Of nodes whose pixels are not those that two others agree on. Where a node agrees with itself alone, who is wrong cannot
 * be said; and another version of a renderer may rightly give other pixels.
 */
export function blameOfOdd(
  { accepted, isVerified, odd }: Extract<Verdict<PlacedResult>, { kind: 'agrees' }>,
  { frame }: LiveFrame,
  tile: number,
  atMs: number,
): JobFailure[] {
  if (!isVerified) return [];
  const alike = odd.filter(({ renderer }) => renderer === accepted.renderer);
  return alike.map(({ attempt, nodeId }) => ({
    ...{ frame, tile, attempt, nodeId, atMs },
    code: 'TILE_CHECKSUM_MISMATCH',
    isTileDone: true,
  }));
}
