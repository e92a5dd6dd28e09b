/**
 * Renders tiles of a job as an agent would, over real messages, in the test's own process: known pixels, and misbehaviour
 * on demand. Takes the job's tiles from its consumer, publishes results, then acks.
 */

import { createHash } from 'node:crypto';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { Bus } from '#shared/bus/connect.js';
import {
  decodeMessage,
  encodeMessage,
  RESULT_HEADER,
  type ResultMeta,
  type TileMessage,
  tileMessageSchema,
} from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { type JobId, nodeIdSchema } from '#shared/domain/ids.js';
import { regionHeightPx, regionPixels, regionWidthPx } from '#shared/domain/region.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { LIMITS } from '#shared/limits.js';

/** Until so many tiles have come; a wait of the test for them ends sooner. */
const FETCH_MS = 90_000;
/** The client takes a server for gone that says nothing for twice as long. */
const IDLE_HEARTBEAT_MS = 15_000;

export interface Reply {
  readonly meta: ResultMeta;
  readonly bytes: Uint8Array;
}

export interface FakeAgentOptions {
  readonly nodeId?: string;
  /** What to publish for a tile; default: its rendered result. Nothing: no ack either. */
  readonly replies?: (tile: TileMessage, rendered: Reply) => readonly Reply[] | undefined;
  /** Size of the parts that a result is published in. */
  readonly partBytes?: number;
  /** Renders at most this many tiles, then stops taking any. */
  readonly tilesMax?: number;
}

export interface FakeAgent {
  readonly tiles: TileMessage[];
  stop(): Promise<void>;
}

export async function startFakeAgent(
  bus: Bus,
  jobId: JobId,
  options: FakeAgentOptions = {},
): Promise<FakeAgent> {
  const tiles: TileMessage[] = [];
  const consumer = await retryCall('get consumer', () =>
    bus.js.consumers.get(bus.names.tilesStream, bus.names.consumer(jobId)),
  );
  // A fetch takes exactly that many: what is prefetched beyond would stay leased when this agent stops.
  const messages: ConsumerMessages =
    options.tilesMax === undefined
      ? await consumer.consume({ max_messages: 64 })
      : await consumer.fetch({
          max_messages: options.tilesMax,
          expires: FETCH_MS,
          idle_heartbeat: IDLE_HEARTBEAT_MS,
        });
  const work = (async () => {
    for await (const message of messages) {
      const tile = decodeMessage(tileMessageSchema, message.data, 'tile');
      tiles.push(tile);
      await answer(bus, message, tile, options);
    }
    await messages.close();
  })();
  // Thrown where the test stops it.
  work.catch(() => undefined);
  const stop = async (): Promise<void> => {
    await messages.close();
    await work;
    // The server has its acks, whatever happens to it next.
    await bus.connection.flush();
  };
  return { tiles, stop };
}

async function answer(bus: Bus, message: JsMsg, tile: TileMessage, options: FakeAgentOptions): Promise<void> {
  const rendered = renderTile(tile, options.nodeId ?? 'fake-1');
  const replies = options.replies ? options.replies(tile, rendered) : [rendered];
  if (!replies) return;
  for (const reply of replies) await publishResult(bus, reply, options);
  message.ack();
}

/** A gradient over the frame, so that a tile at the wrong place would show. */
export function renderTile(tile: TileMessage, nodeId: string): Reply {
  const { region } = tile;
  const data = new Float32Array(regionPixels(region) * 4);
  let index = 0;
  for (let y = region.y0; y < region.y1; y++)
    for (let x = region.x0; x < region.x1; x++) {
      data.set([x / 256, y / 256, (tile.frame % 16) / 16, 1], index);
      index += 4;
    }
  const bytes = encodeTile([{ name: 'beauty', data }], regionWidthPx(region), regionHeightPx(region));
  return {
    bytes,
    meta: {
      jobId: tile.jobId,
      planId: tile.planId,
      frame: tile.frame,
      tile: tile.tile,
      attempt: tile.attempt,
      nodeId: nodeIdSchema.parse(nodeId),
      renderer: 'synthetic test',
      part: 0,
      partCount: 1,
      renderMs: 1,
      coreSeconds: 0.001,
      peakMemoryBytes: 0,
      outcome: { kind: 'rendered', digest: digestOf(bytes), sizeBytes: bytes.byteLength },
    },
  };
}

export function digestOf(bytes: Uint8Array) {
  return createHash('sha256').update(bytes).digest('hex') as Extract<
    ResultMeta['outcome'],
    { kind: 'rendered' }
  >['digest'];
}

export function failedReply(rendered: Reply, permanent = false): Reply {
  return {
    bytes: new Uint8Array(0),
    meta: {
      ...rendered.meta,
      outcome: {
        kind: 'failed',
        code: 'RENDER_FAILED',
        message: 'out of luck',
        logTail: 'last words',
        permanent,
      },
    },
  };
}

/** In parts of at most `partBytes`, each under its own message id. @throws BUS_UNAVAILABLE once `signal` aborts. */
export async function publishResult(
  bus: Bus,
  { meta, bytes }: Reply,
  { partBytes = LIMITS.resultPartBytesMax, signal }: { partBytes?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const partCount = Math.max(1, Math.ceil(bytes.byteLength / partBytes));
  for (let part = 0; part < partCount; part++) {
    const partMeta = { ...meta, part, partCount };
    const partHeaders = headers();
    partHeaders.set(RESULT_HEADER, new TextDecoder().decode(encodeMessage(partMeta)));
    const msgID = `${meta.planId}.${meta.jobId}.${meta.frame}.${meta.tile}.${meta.attempt}.${meta.nodeId}.${part}`;
    const body = bytes.subarray(part * partBytes, (part + 1) * partBytes);
    await retryCall(
      'publish result',
      () => bus.js.publish(bus.names.result(meta, part), body, { headers: partHeaders, msgID }),
      signal,
    );
  }
}
