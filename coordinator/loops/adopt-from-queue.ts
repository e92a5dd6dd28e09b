/**
 * An attempt that is in the queue already was put there by an earlier coordinator, which may have named other nodes that
 * are to leave it to others. Whether anybody is left to take it is to be judged by what its message says.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import { decodeMessage, tileMessageSchema } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { messageOf } from '#shared/errors.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { adoptQueued } from '../jobs/tile-case.js';
import type { NextTile } from '../jobs/tile-order.js';

/** Resolves when it is known, or gone meanwhile. What goes wrong is mended with the tiles that are missing. */
export async function adoptFromQueue(farm: Farm, { jobId }: LiveJob, next: NextTile): Promise<void> {
  const { bus, signal, log } = farm;
  const { frame, tile, attempt } = next;
  const subject = bus.names.tile({ jobId, frame: frame.frame, tile, attempt });
  try {
    const message = await retryCall(
      `read tile ${subject}`,
      () => bus.jsm.streams.getMessage(bus.names.tilesStream, { last_by_subj: subject }),
      signal,
    );
    if (!message) return;
    const { avoid = [] } = decodeMessage(tileMessageSchema, message.data, `tile ${subject}`);
    adoptQueued(frame, tile, { attempt, sequence: message.seq, avoid });
  } catch (error) {
    const isGone = error instanceof JetStreamApiError;
    if (!isGone && !signal.aborted)
      log.warn({ jobId, subject, reason: messageOf(error) }, 'queued tile not read');
  }
}
