/**
 * Ends leases in the name of nodes that are gone: the tiles are delivered again at once, before all others in the queue
 * and under the same attempt, as if their ack wait had run out.
 *
 * An answer to a delivery is a message to `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.
 * <pending>` (NATS ADR-15), which anybody may send. The server takes a `-NAK` for whatever is leased, as long as the
 * consumer sequence lies within what the consumer has delivered and not seen acknowledged; for a message that is acked,
 * not yet delivered, or waiting to be delivered again, it does nothing (measured on 2.9.10).
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import type { JobId } from '../domain/ids.js';
import type { Bus } from './connect.js';
import { retryCall } from './retry-call.js';
import type { TileAddress } from './subjects.js';

const NAK = new TextEncoder().encode('-NAK');

export interface LeasedTile extends TileAddress {
  /** Of its message in TILES; 0: the stream is asked. */
  readonly sequence: number;
}

/** How far a job's consumer has got. */
export interface Delivered {
  readonly streamSequence: number;
  readonly consumerSequence: number;
  /** Messages that are leased now, or wait to be delivered again. */
  readonly leased: number;
  /** Pulls that wait for a message: none waits to be delivered then. */
  readonly waiting: number;
  /** Everything up to this sequence of the stream is acknowledged. */
  readonly acknowledgedUpTo: number;
}

/** Nothing when the job's consumer is not there. */
export async function deliveredSoFar(
  bus: Bus,
  jobId: JobId,
  signal?: AbortSignal,
): Promise<Delivered | undefined> {
  const info = await retryCall(
    `look at consumer ${jobId}`,
    () => bus.jsm.consumers.info(bus.names.tilesStream, bus.names.consumer(jobId)),
    signal,
  ).catch(absent);
  return (
    info && {
      streamSequence: info.delivered.stream_seq,
      consumerSequence: info.delivered.consumer_seq,
      leased: info.num_ack_pending,
      waiting: info.num_waiting,
      acknowledgedUpTo: info.ack_floor.stream_seq,
    }
  );
}

/** Resolves when the server has been told. Tiles that are not leased, or not in the stream, are left as they are. */
export async function endLeases(
  bus: Bus,
  jobId: JobId,
  tiles: readonly LeasedTile[],
  signal?: AbortSignal,
): Promise<void> {
  if (tiles.length === 0) return;
  const delivered = await deliveredSoFar(bus, jobId, signal);
  if (!delivered) return;
  const consumer = `$JS.ACK.${bus.names.tilesStream}.${bus.names.consumer(jobId)}`;
  for (const tile of tiles) {
    const sequence = tile.sequence || (await sequenceOf(bus, tile, signal));
    if (sequence > 0)
      bus.connection.publish(`${consumer}.1.${sequence}.${delivered.consumerSequence}.0.0`, NAK);
  }
}

/** Of an attempt's message in TILES; 0 when it is not there. */
export async function sequenceOf(bus: Bus, tile: TileAddress, signal?: AbortSignal): Promise<number> {
  const subject = bus.names.tile(tile);
  const message = await retryCall(
    `look for ${subject}`,
    () => bus.jsm.streams.getMessage(bus.names.tilesStream, { last_by_subj: subject }),
    signal,
  ).catch(absent);
  return message?.seq ?? 0;
}

function absent(error: unknown): undefined {
  if (error instanceof JetStreamApiError) return undefined;
  throw error;
}
