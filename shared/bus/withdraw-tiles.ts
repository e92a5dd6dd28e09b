/**
 * Takes attempts out of the queue that nobody needs any more: a second copy whose first is done, an attempt that every
 * node leaves to others. Delivered or not makes no difference (measured on 2.9.10: the message is not delivered again, a
 * late answer does no harm, and unlike after a purge the consumer skips no other message).
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import type { Bus } from './connect.js';
import { type LeasedTile, sequenceOf } from './end-leases.js';
import { retryCall } from './retry-call.js';

/** Resolves when they are gone. */
export async function withdrawTiles(
  bus: Bus,
  tiles: readonly LeasedTile[],
  signal?: AbortSignal,
): Promise<void> {
  const stream = bus.names.tilesStream;
  for (const tile of tiles) {
    const sequence = tile.sequence || (await sequenceOf(bus, tile, signal));
    if (sequence === 0) continue;
    await retryCall(
      `withdraw ${bus.names.tile(tile)}`,
      () => bus.jsm.streams.deleteMessage(stream, sequence, false),
      signal,
    ).catch((error: unknown) => {
      // Acknowledged meanwhile.
      if (!(error instanceof JetStreamApiError)) throw error;
    });
  }
}
