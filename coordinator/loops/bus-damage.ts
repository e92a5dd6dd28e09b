/**
 * JetStream's store was lost, in whole or in part, or put back to an older state, under a running coordinator. What was
 * read from it is further than what is there; everything is made again from the store of the farm.
 *
 * Nothing that was taken is given up: tiles that were placed stay placed, frames that were recorded stay. What was queued
 * is found missing (queue-missing.ts), what was in flight is published again by who has it, or rendered again.
 */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { retryCall } from '#shared/bus/retry-call.js';
import { ensureStreams } from '#shared/bus/streams.js';
import type { JobId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import { queuedTiles } from '../jobs/queued-tiles.js';
import { setSequence } from '../jobs/tile-case.js';
import type { Collector } from './collect.js';
import { endedFramesOnBus, purgeFrames } from './jobs-on-bus.js';
import { openLiveJob } from './open-on-bus.js';
import { isStreamLost } from './stream-lost.js';
import { tellRepaired } from './tell-repaired.js';

export interface BusDamage {
  /** Streams that are not there. */
  readonly missing: readonly string[];
  /** Streams that have lost their end. */
  readonly rolledBack: readonly string[];
}

export async function findBusDamage(farm: Farm, collector: Collector): Promise<BusDamage | undefined> {
  const { names } = farm.bus;
  // Both before the look: they grow while it is under way.
  const known = new Map([
    [names.resultsStream, collector.lastSequence],
    [names.tilesStream, highestTileSequence(farm)],
  ]);
  const missing: string[] = [];
  const rolledBack: string[] = [];
  const buckets = [names.assignmentsBucket, names.jobsBucket].map((bucket) => `KV_${bucket}`);
  for (const stream of [...known.keys(), names.eventsStream, ...buckets]) {
    const lastSequence = await lastSequenceOf(farm, stream);
    if (lastSequence === undefined) missing.push(stream);
    else if (lastSequence < (known.get(stream) ?? 0)) rolledBack.push(stream);
  }
  return missing.length + rolledBack.length > 0 ? { missing, rolledBack } : undefined;
}

/** Everything that was on the bus is made again; tiles follow, as missing ones. */
export async function restoreBus(farm: Farm, collector: Collector, damage: BusDamage): Promise<void> {
  const { names } = farm.bus;
  farm.log.error({ ...damage }, 'JetStream has lost what it held; it is made again from the store');
  await ensureStreams(farm.bus, farm.signal);
  const isHurt = (stream: string) => damage.missing.includes(stream) || damage.rolledBack.includes(stream);
  if (isHurt(names.resultsStream)) await collector.restart();
  for (const job of farm.jobs.liveJobs()) {
    if (job.isEnding) continue;
    // They name other messages now, or none.
    if (isHurt(names.tilesStream)) {
      for (const { open, tile, attempt } of queuedTiles(job)) setSequence(open, tile, attempt, 0);
      // It may be further than the stream, and would pass over whatever is queued now.
      await removeConsumer(farm, job.jobId);
    }
    await openLiveJob(farm, collector, job);
    if (damage.rolledBack.includes(names.resultsStream))
      await purgeFrames(farm, collector, job, await endedFramesOnBus(farm, job));
    const { missing, rolledBack } = damage;
    const what = [
      ...(missing.length > 0 ? [`had lost ${missing.join(', ')}`] : []),
      ...(rolledBack.length > 0 ? [`was put back to an older state of ${rolledBack.join(', ')}`] : []),
    ].join(' and ');
    tellRepaired(farm, job, `the bus ${what}; all of it is made again`);
  }
}

async function removeConsumer({ bus, signal }: Farm, jobId: JobId): Promise<void> {
  const remove = () => bus.jsm.consumers.delete(bus.names.tilesStream, bus.names.consumer(jobId));
  await retryCall(`delete consumer ${jobId}`, remove, signal).catch((error: unknown) => {
    const isGone = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
    if (!isGone) throw error;
  });
}

/** Nothing when there is no such stream. */
async function lastSequenceOf({ bus, signal }: Farm, stream: string): Promise<number | undefined> {
  try {
    const info = await retryCall(`look at stream ${stream}`, () => bus.jsm.streams.info(stream), signal);
    return info.state.last_seq;
  } catch (error) {
    if (isStreamLost(error)) return undefined;
    throw error;
  }
}

function highestTileSequence(farm: Farm): number {
  let highest = 0;
  for (const job of farm.jobs.liveJobs())
    for (const { sequence } of queuedTiles(job)) highest = Math.max(highest, sequence);
  return highest;
}
