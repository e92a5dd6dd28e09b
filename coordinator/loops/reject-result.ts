/**
 * What the coordinator itself counts as a failed attempt of a node: a result that is refused, a tile that ends agents. It
 * is kept where other failures are, in RESULTS.
 */
import { headers } from '@nats-io/transport-node';
import { encodeMessage, RESULT_HEADER, type ResultMeta } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { NodeId } from '#shared/domain/ids.js';
import type { ErrorCode } from '#shared/errors.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';

export interface RejectedAttempt {
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  readonly nodeId: NodeId;
  readonly renderer: string;
  readonly reason: string;
  /** Default: TILE_CHECKSUM_MISMATCH. */
  readonly code?: ErrorCode;
}

/** Puts the failure of an attempt on the results stream, in the name of the node that made it. */
export async function publishFailure(farm: Farm, job: LiveJob, rejected: RejectedAttempt): Promise<void> {
  const { planId } = job.frames.layoutOf(rejected.frame);
  const meta: ResultMeta = {
    jobId: job.jobId,
    planId,
    frame: rejected.frame,
    tile: rejected.tile,
    attempt: rejected.attempt,
    nodeId: rejected.nodeId,
    renderer: rejected.renderer,
    part: 0,
    partCount: 1,
    renderMs: 0,
    coreSeconds: 0,
    peakMemoryBytes: 0,
    outcome: {
      kind: 'failed',
      code: rejected.code ?? 'TILE_CHECKSUM_MISMATCH',
      message: rejected.reason.slice(0, 1000),
      logTail: '',
      permanent: false,
    },
  };
  const resultHeaders = headers();
  resultHeaders.set(RESULT_HEADER, new TextDecoder().decode(encodeMessage(meta)));
  const msgID = `${planId}.${job.jobId}.${meta.frame}.${meta.tile}.${meta.attempt}.${meta.nodeId}.rejected`;
  await retryCall(
    `report rejected result ${msgID}`,
    () =>
      farm.bus.publisher.publish(farm.bus.names.result(meta, 0), new Uint8Array(0), {
        headers: resultHeaders,
        msgID,
      }),
    farm.signal,
  );
}
