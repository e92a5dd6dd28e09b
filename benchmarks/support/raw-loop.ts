/**
 * What JetStream alone can do for a tile queue: pull a tile, publish 1 KB, ack, in one process that does nothing else. The
 * same server, the same stream configuration, the same order (the ack follows the stored result), results in parallel.
 */
import { randomBytes } from 'node:crypto';
import { headers } from '@nats-io/transport-node';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { encodeMessage, RESULT_HEADER } from '#shared/bus/messages.js';
import { ensureJobConsumer, ensureStreams, removeJobFromQueue } from '#shared/bus/streams.js';
import { newJobId, newPlanId } from '#shared/domain/ids.js';
import { invariant } from '#shared/invariant.js';
import { LIMITS } from '#shared/limits.js';
import { withCpuTime } from './cpu-time.js';
import { timed } from './statistics.js';

const RESULT_BYTES = 1024;
/** Measured best on 2 cores among 16, 64, 128 and 256. */
const PARALLEL = 64;
const PREFETCH = 500;

export interface RawLoopRun {
  readonly tilesPerS: number;
  /** Of this process and the server; undefined where the system does not tell. */
  readonly cpuS: number | undefined;
}

/**
 * `with-ids`: a result has a message id, which the server keeps for de-duplication, and a header that says what it is, as
 * the farm's results have. `bare`: neither, so that a retried publish would be stored twice.
 */
export type RawLoopKind = 'with-ids' | 'bare';

/** Queueing the tiles beforehand is outside the clock. */
export async function rawLoop(
  nats: { url: string; pid: number },
  tileCount: number,
  kind: RawLoopKind,
): Promise<RawLoopRun> {
  await using bus = await connectBus(nats.url, 'raw', 'guian-bench raw loop');
  await ensureStreams(bus);
  const jobId = newJobId('raw');
  await ensureJobConsumer(bus, jobId);
  await queueTiles(bus, jobId, tileCount);
  const consumer = await bus.js.consumers.get(bus.names.tilesStream, bus.names.consumer(jobId));
  const body = randomBytes(RESULT_BYTES);
  const loop = async () => {
    const messages = await consumer.consume({ max_messages: PREFETCH });
    const inFlight = new Set<Promise<void>>();
    let done = 0;
    for await (const message of messages) {
      const tile = done++;
      const work: Promise<void> = bus.js
        .publish(
          bus.names.result({ jobId, frame: 0, tile, attempt: 1 }, 0),
          body,
          resultOptions(kind, jobId, tile),
        )
        .then(() => {
          message.ack();
          inFlight.delete(work);
        });
      inFlight.add(work);
      if (inFlight.size >= PARALLEL) await Promise.race(inFlight);
      if (done === tileCount) break;
    }
    await Promise.all(inFlight);
    // The acks too have reached the server.
    await bus.connection.flush();
  };
  const { result, cpuS } = await withCpuTime([nats.pid, process.pid], () => timed(loop));
  const { state } = await bus.jsm.streams.info(bus.names.tilesStream);
  invariant(state.messages === 0, `${state.messages} tiles of the raw loop are still queued`);
  const results = await bus.jsm.streams.info(bus.names.resultsStream);
  invariant(results.state.messages === tileCount, `the raw loop stored ${results.state.messages} results`);
  await removeJobFromQueue(bus, jobId);
  await bus.jsm.streams.purge(bus.names.resultsStream);
  return { tilesPerS: (tileCount / result.ms) * 1000, cpuS };
}

function resultOptions(kind: RawLoopKind, jobId: string, tile: number) {
  if (kind === 'bare') return {};
  const header = headers();
  header.set(RESULT_HEADER, JSON.stringify({ frame: 0, tile, attempt: 1 }));
  return { msgID: `${jobId}.${tile}`, headers: header };
}

async function queueTiles(bus: Bus, jobId: ReturnType<typeof newJobId>, tileCount: number): Promise<void> {
  const planId = newPlanId();
  for (let first = 0; first < tileCount; first += LIMITS.publishWindow) {
    const count = Math.min(LIMITS.publishWindow, tileCount - first);
    await Promise.all(
      Array.from({ length: count }, (_, index) => {
        const address = { jobId, frame: 0, tile: first + index, attempt: 1 };
        const region = { x0: 0, y0: 0, x1: 16, y1: 16 };
        return bus.js.publish(bus.names.tile(address), encodeMessage({ ...address, planId, region }));
      }),
    );
  }
}
