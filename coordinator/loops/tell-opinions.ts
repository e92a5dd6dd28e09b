/** What is told of tiles that two nodes have rendered on purpose (second-opinion.ts). */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { FailedAttempt, FailedTile } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import type { LiveFrame, PlacedResult } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';

/** A result that came last, and where in RESULTS. */
export interface WeighedResult {
  readonly job: LiveJob;
  readonly frame: LiveFrame;
  readonly tile: number;
  readonly result: PlacedResult;
  readonly sequence: number;
}

/** No two of a tile's results are equal, and another node is asked. */
export function tellDifferent(farm: Farm, { job, frame, tile, result, sequence }: WeighedResult): void {
  const who = nodesOf(frame.cases.get(tile)?.candidates ?? []);
  const message = `${who} gave different pixels for tile ${tile} of frame ${frame.frame}; another node is asked`;
  const where = {
    jobId: job.jobId,
    frame: frame.frame,
    tile,
    attempt: result.attempt,
    nodeId: result.nodeId,
  };
  farm.log.warn({ ...where, reason: message }, 'results differ');
  const kind = 'result_rejected' as const;
  void farm.events.publish({ ...where, kind, state: job.state, message, resultSequence: sequence });
}

/** Two nodes agree, and a third gave other pixels. */
export function tellOdd(farm: Farm, weighed: WeighedResult, accepted: PlacedResult, odd: PlacedResult): void {
  const { job, frame, tile, result, sequence } = weighed;
  const agree = nodesOf([accepted, result]);
  const reason = `it differs from what ${agree} gave for tile ${tile} of frame ${frame.frame}`;
  const where = { jobId: job.jobId, frame: frame.frame, tile, attempt: odd.attempt, nodeId: odd.nodeId };
  farm.log.warn({ ...where, reason }, 'result rejected');
  void farm.events.publish({
    ...where,
    kind: 'result_rejected',
    state: job.state,
    message: `the result of node ${odd.nodeId} (${odd.renderer}) was dropped: ${reason}`,
    resultSequence: sequence,
  });
}

/** Once per job: its tiles are accepted as they come. */
export function tellLoneNode(farm: Farm, job: LiveJob, nodeId: NodeId): void {
  if (job.isLoneNodeTold) return;
  job.isLoneNodeTold = true;
  farm.log.warn({ jobId: job.jobId, nodeId }, 'verification needs a second node');
  void farm.events.publish({
    jobId: job.jobId,
    kind: 'warning',
    state: job.state,
    nodeId,
    message: `verification needs a second node, and ${nodeId} is the only one that may work for the job: its tiles are accepted unverified while it is`,
  });
}

/** A tile of which every node gave other pixels, as its frame's record tells it. */
export function undecidableTile(frame: LiveFrame, tile: number, atMs: number): FailedTile {
  const candidates = frame.cases.get(tile)?.candidates ?? [];
  const message = `${nodesOf(candidates)} gave ${candidates.length} different results for tile ${tile} of frame ${frame.frame}; no two are equal`;
  const attempts = candidates.map(
    ({ attempt, nodeId }): FailedAttempt => ({
      attempt,
      nodeId,
      atMs,
      code: 'TILE_CHECKSUM_MISMATCH',
      message,
      logTail: '',
    }),
  );
  return { tile, attempts: [...frame.failedAttempts.of(tile), ...attempts] };
}

function nodesOf(results: readonly { readonly nodeId: NodeId }[]): string {
  const names = [...new Set(results.map(({ nodeId }) => nodeId))];
  const last = names.pop();
  return names.length === 0 ? `node ${last}` : `nodes ${names.join(', ')} and ${last}`;
}

/** Asks which nodes may take tiles of a job; empty: not known. */
export type WorkersOf = (jobId: JobId) => readonly NodeId[];
