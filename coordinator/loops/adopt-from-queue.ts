/**
 * An attempt that is in the queue already was put there by an earlier coordinator, which may have named other nodes that
 * are to leave it to others. Whether anybody is left to take it is to be judged by what its message says.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import { decodeMessage, tileMessageSchema } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { withdrawTiles } from '#shared/bus/withdraw-tiles.js';
import { messageOf } from '#shared/errors.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { adoptQueued, isAttemptLive } from '../jobs/tile-case.js';
import type { NextTile } from '../jobs/tile-order.js';

/**
 * Resolves when it is known, or gone meanwhile. What goes wrong is mended with the tiles that are missing.
 * @returns whether the tile is to be queued anew: what the queue had was a tile of another cut of its frame.
 */
export async function adoptFromQueue(farm: Farm, job: LiveJob, next: NextTile): Promise<boolean> {
  const { bus, signal, log } = farm;
  const { jobId } = job;
  const { frame, tile, attempt } = next;
  const subject = bus.names.tile({ jobId, frame: frame.frame, tile, attempt });
  try {
    const message = await retryCall(
      `read tile ${subject}`,
      () => bus.jsm.streams.getMessage(bus.names.tilesStream, { last_by_subj: subject }),
      signal,
    );
    if (!message) return false;
    const { avoid = [], planId } = decodeMessage(tileMessageSchema, message.data, `tile ${subject}`);
    if (planId === frame.layout.planId) {
      adoptQueued(frame, tile, { attempt, sequence: message.seq, avoid });
      return false;
    }
    // The layout of its frame changed, or its record was lost. Whoever renders it does so in vain: no result counts.
    await withdrawTiles(bus, [{ jobId, frame: frame.frame, tile, attempt, sequence: message.seq }], signal);
    if (!job.isEnding && isAttemptLive(frame, tile, attempt)) job.requeue(frame, tile, attempt);
    return true;
  } catch (error) {
    const isGone = error instanceof JetStreamApiError;
    if (!isGone && !signal.aborted)
      log.warn({ jobId, subject, reason: messageOf(error) }, 'queued tile not read');
    return false;
  }
}
