/**
 * Listens to the farm's own messages, over a connection that no fault touches but those of the server: which node
 * rendered what and from when to when, what nodes had in hand, and whether tiles were queued while no coordinator ran.
 * It sees messages on their way to a stream, so that results show even when their frame is purged a moment later; its
 * connection is back sooner after a restart of the server than any agent's.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { decodeMessage, heartbeatSchema, RESULT_HEADER, resultMetaSchema } from '#shared/bus/messages.js';
import { type BusNames, busNames } from '#shared/bus/subjects.js';
import { messageOf } from '#shared/errors.js';

/** A result on its way to the stream. Times: epoch ms. */
export interface SeenResult {
  readonly atMs: number;
  readonly nodeId: string;
  /** `job/frame/tile`. */
  readonly tile: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly renderMs: number;
  readonly isFailure: boolean;
}

export interface SeenHeartbeat {
  readonly atMs: number;
  readonly nodeId: string;
  readonly slotsBusy: number;
  /** `job/frame/tile`, every one that it holds a lease on. */
  readonly inHand: readonly string[];
}

/** Tiles that waited in the queue at a time, for any node to take. */
export interface QueueSample {
  readonly atMs: number;
  readonly waiting: number;
}

export interface Observer extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly names: BusNames;
  /** In order of arrival; a publish that was repeated is there once. */
  readonly results: SeenResult[];
  readonly heartbeats: SeenHeartbeat[];
  readonly queue: QueueSample[];
  /** Messages that fit no schema: there should be none. */
  readonly garbage: string[];
}

const RECONNECT_MS = 50;
const SAMPLE_EVERY_MS = 250;

export async function startObserver(options: {
  readonly natsUrl: string;
  readonly prefix: string;
  /** Whose queues to look at. */
  openJobs(): readonly string[];
}): Promise<Observer> {
  const connection = await connect({
    servers: options.natsUrl,
    name: 'chaos observer',
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: 0,
  });
  const jsm = await jetstreamManager(connection, { timeout: 1_500 });
  const names = busNames(options.prefix);
  const seen = new Set<string>();
  const observer: Observer = {
    ...{ connection, jsm, names, results: [], heartbeats: [], queue: [], garbage: [] },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await connection.close();
    },
  };
  const listen = (subject: string, take: (data: Uint8Array, header: string) => void): void => {
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return;
        try {
          take(message.data, message.headers?.get(RESULT_HEADER) ?? '');
        } catch (cause) {
          observer.garbage.push(`${message.subject}: ${messageOf(cause)}`);
        }
      },
    });
  };
  listen(names.resultsAll, (_, header) => {
    const meta = decodeMessage(resultMetaSchema, header, 'result');
    const { nodeId, jobId, frame, tile, attempt, renderMs, part, outcome } = meta;
    // The same render has the same time to the microsecond, however often it is published.
    const key = `${nodeId} ${jobId}/${frame}/${tile}/${attempt} ${renderMs}`;
    if (part !== 0 || seen.has(key)) return;
    seen.add(key);
    observer.results.push({
      ...{ atMs: Date.now(), nodeId, jobId, tile: `${jobId}/${frame}/${tile}`, attempt, renderMs },
      isFailure: outcome.kind === 'failed',
    });
  });
  listen(names.heartbeatsAll, (data) => {
    const { nodeId, slotsBusy, inHand } = decodeMessage(heartbeatSchema, data, 'heartbeat');
    const tiles = inHand.flatMap(({ jobId, attempts }) =>
      attempts.map(([frame, tile]) => `${jobId}/${frame}/${tile}`),
    );
    observer.heartbeats.push({ atMs: Date.now(), nodeId, slotsBusy, inHand: tiles });
  });
  const sample = async (jobIds: readonly string[]): Promise<void> => {
    let waiting = 0;
    for (const jobId of jobIds) {
      // Not there (the job has just ended), or the server is away: nothing that anybody could take.
      const info = await jsm.consumers.info(names.tilesStream, jobId).catch(() => undefined);
      waiting += info?.num_pending ?? 0;
    }
    observer.queue.push({ atMs: Date.now(), waiting });
  };
  const timer = setInterval(() => {
    void sample(options.openJobs());
  }, SAMPLE_EVERY_MS);
  await connection.flush();
  return observer;
}
