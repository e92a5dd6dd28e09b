/**
 * The one place that creates streams and buckets, and brings them to this version's configuration where they differ.
 * The coordinator calls it at start; agents only bind.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { JobId } from '../domain/ids.js';
import { FarmError, messageOf } from '../errors.js';
import { TIMES } from '../limits.js';
import type { Bus } from './connect.js';
import { retryCall } from './retry-call.js';
import type { BusNames } from './subjects.js';

type StreamSettings = Partial<StreamConfig> & { name: string };

const EVENTS_KEPT_MS = 30 * 24 * 3_600_000;
const EVENTS_PER_JOB_MAX = 200_000;
/** Chosen when the stream is made; later an admin may have moved it to more servers. */
const OF_THE_ADMIN = ['num_replicas', 'storage'];
const ERR_STREAM_NOT_FOUND = 10059;
const ERR_CONSUMER_NOT_FOUND = 10014;

function streamSettings(names: BusNames): StreamSettings[] {
  const common = {
    storage: StorageType.File,
    num_replicas: 1,
    duplicate_window: nanos(TIMES.dedupeWindowMs),
  };
  return [
    {
      ...common,
      name: names.tilesStream,
      subjects: [names.tilesAll],
      retention: RetentionPolicy.Workqueue,
      // One message per subject, and a second one refused: the queue itself keeps an attempt from being queued twice.
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
    },
    // Kept until the coordinator has recorded the frame and purges it: after a restart this is what is known of it.
    { ...common, name: names.resultsStream, subjects: [names.resultsAll], retention: RetentionPolicy.Limits },
    {
      ...common,
      name: names.eventsStream,
      subjects: [names.eventsAll],
      retention: RetentionPolicy.Limits,
      max_age: nanos(EVENTS_KEPT_MS),
      max_msgs_per_subject: EVENTS_PER_JOB_MAX,
    },
  ];
}

/** @throws the server's refusal when an existing stream cannot be brought to this configuration. */
export async function ensureStreams(bus: Bus, signal?: AbortSignal): Promise<void> {
  for (const wanted of streamSettings(bus.names)) {
    await retryCall(`set up stream ${wanted.name}`, () => ensureStream(bus, wanted), signal).catch(
      (error) => {
        throw refused(bus, wanted.name, error);
      },
    );
  }
  for (const bucket of [bus.names.assignmentsBucket, bus.names.jobsBucket]) {
    await retryCall(`set up bucket ${bucket}`, () => bus.kvm.create(bucket, { history: 1 }), signal);
  }
}

async function ensureStream(bus: Bus, wanted: StreamSettings): Promise<void> {
  const info = await bus.jsm.streams.info(wanted.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === ERR_STREAM_NOT_FOUND) return undefined;
    throw error;
  });
  if (!info) {
    await bus.jsm.streams.add(wanted);
    return;
  }
  const actual = info.config as unknown as Record<string, unknown>;
  const settings = Object.entries(wanted).filter(([key]) => !OF_THE_ADMIN.includes(key));
  const differs = settings.some(([key, value]) => JSON.stringify(actual[key]) !== JSON.stringify(value));
  if (differs) await bus.jsm.streams.update(wanted.name, { ...info.config, ...Object.fromEntries(settings) });
}

/** A stream of somebody else is in the way: only a person can say whether it may go. */
function refused(bus: Bus, name: string, error: unknown): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  return new FarmError(
    'BUS_CONFLICT',
    `the NATS server at ${bus.connection.getServer()} cannot have stream ${name} as this farm needs it (${messageOf(error)}); remove what is in the way ("nats stream ls", "nats stream rm"), or use another --prefix`,
    { stream: name },
    { cause: error },
  );
}

/** The durable consumer through which agents take a job's tiles. Exists only while the job is active. */
export async function ensureJobConsumer(bus: Bus, jobId: JobId, signal?: AbortSignal): Promise<void> {
  const wanted: Partial<ConsumerConfig> & { durable_name: string } = {
    durable_name: bus.names.consumer(jobId),
    filter_subject: bus.names.tilesOfJob(jobId),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(TIMES.leaseMs),
    // Attempts are counted by the coordinator from results, never by the server.
    max_deliver: -1,
    max_ack_pending: 20_000,
    max_waiting: 10_000,
  };
  await retryCall(
    `set up consumer ${jobId}`,
    () => bus.jsm.consumers.add(bus.names.tilesStream, wanted),
    signal,
  );
}

/** Nobody takes tiles of this job any more; what is queued is purged. Fine when there is nothing left. */
export async function removeJobFromQueue(bus: Bus, jobId: JobId, signal?: AbortSignal): Promise<void> {
  await retryCall(
    `delete consumer ${jobId}`,
    async () => {
      await bus.jsm.consumers
        .delete(bus.names.tilesStream, bus.names.consumer(jobId))
        .catch((error: unknown) => {
          if (!(error instanceof JetStreamApiError && error.code === ERR_CONSUMER_NOT_FOUND)) throw error;
        });
    },
    signal,
  );
  await retryCall(
    `purge tiles of ${jobId}`,
    () => bus.jsm.streams.purge(bus.names.tilesStream, { filter: bus.names.tilesOfJob(jobId) }),
    signal,
  );
}
