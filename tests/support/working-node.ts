/**
 * A node that takes tiles of one job as an agent would, in the test's own process: it heartbeats, says which tiles are in
 * its threads, leaves avoided ones to others, drops what it is told to drop, and can be ended at any tile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from '#shared/bus/connect.js';
import {
  decodeMessage,
  encodeMessage,
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
  type TileMessage,
  tileMessageSchema,
} from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { type JobId, randomSuffix } from '#shared/domain/ids.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { digestOf, publishResult, type Reply, renderTile } from './fake-agent.js';

const HEARTBEAT_MS = 200;
const HAND_BACK_MS = 50;
const RESTART_MS = 100;
const PULL_MS = 1_000;
const LOOK_MS = 10;

export type Answer = Reply | 'agent ends' | 'never';

export interface WorkingNodeOptions {
  readonly nodeId: string;
  readonly slots?: number;
  /** False: it is there and takes nothing. */
  readonly takes?: boolean;
  /** What becomes of a tile; default: its pixels. `agent ends`: a new one is started at once. */
  readonly answer?: (tile: TileMessage, rendered: Reply) => Answer;
}

export interface WorkingNode {
  readonly nodeId: string;
  /** Tiles that it began to render. */
  readonly begun: TileMessage[];
  /** `frame/tile/attempt` of what it was told to drop. */
  readonly dropped: string[];
  /** How many of its agents have ended. */
  readonly ends: number;
  /** It says goodbye. */
  leave(): Promise<void>;
}

interface Held {
  readonly message: JsMsg;
  readonly tile: TileMessage;
  isRendering: boolean;
}

const nameOf = ({ frame, tile, attempt }: Pick<TileMessage, 'frame' | 'tile' | 'attempt'>) =>
  `${frame}/${tile}/${attempt}`;

export async function startWorkingNode(
  bus: Bus,
  jobId: JobId,
  options: WorkingNodeOptions,
): Promise<WorkingNode> {
  const { nodeId, slots = 1, takes = true, answer = (_tile, rendered) => rendered } = options;
  const begun: TileMessage[] = [];
  const dropped: string[] = [];
  let ends = 0;
  let isHere = true;
  let endAgent: (isLeaving: boolean) => Promise<void> = async () => {};

  const startAgent = async (): Promise<void> => {
    const instanceId = randomSuffix(8);
    const startedAtMs = Date.now();
    const hand = new Map<string, Held>();
    let isAlive = true;
    const inbox = `_test.${instanceId}`;
    const beat = (leaving = false): void => {
      const attempts = [...hand.values()]
        .sort((a, b) => Number(b.isRendering) - Number(a.isRendering))
        .map(({ tile, message }) => [tile.frame, tile.tile, tile.attempt, message.seq]);
      const rendering = [...hand.values()].filter((held) => held.isRendering).length;
      const heartbeat = {
        ...{ nodeId, instanceId, hostName: 'test', agentVersion: '0', startedAtMs, slots },
        ...{ slotsBusy: rendering, cores: 1, memoryBytes: 0, memoryUsedBytes: 0, renderers: [] },
        ...{ jobIds: [jobId], tilesDone: 0, inHandLeftOut: 0, leaving },
        inHand: leaving ? [] : [{ jobId, attempts, rendering }],
      };
      bus.connection.publish(`${bus.names.prefix}.heartbeat.${nodeId}`, encodeMessage(heartbeat), {
        reply: inbox,
      });
    };
    const subscriptions = [
      bus.connection.subscribe(inbox, {
        callback: (_error, message) => {
          // Empty: no coordinator is there.
          if (message.data.length > 0) drop(decodeMessage(heartbeatAnswerSchema, message.data, 'answer'));
        },
      }),
      bus.connection.subscribe(bus.names.rollCall, { callback: () => beat() }),
    ];
    const drop = ({ over }: HeartbeatAnswer): void => {
      for (const [frame, tile, attempt] of over.flatMap(({ attempts }) => attempts)) {
        const name = nameOf({ frame, tile, attempt });
        hand.get(name)?.message.ack();
        if (hand.delete(name)) dropped.push(name);
      }
      work();
    };
    const work = (): void => {
      for (const [name, held] of hand) {
        if (!isAlive || [...hand.values()].filter((one) => one.isRendering).length >= slots) return;
        if (held.isRendering) continue;
        held.isRendering = true;
        begun.push(held.tile);
        const reply = answer(held.tile, renderTile(held.tile, nodeId));
        if (reply === 'agent ends') {
          ends++;
          void endAgent(false).then(() => {
            if (isHere) setTimeout(() => void startAgent(), RESTART_MS);
          });
          return;
        }
        if (reply === 'never') continue;
        void publishResult(bus, reply).then(() => {
          if (!isAlive || !hand.delete(name)) return;
          held.message.ack();
          work();
        });
      }
    };
    const timer = setInterval(beat, HEARTBEAT_MS);
    beat();
    const consumer = await retryCall('get consumer', () =>
      bus.js.consumers.get(bus.names.tilesStream, bus.names.consumer(jobId)),
    );
    const reading = (async () => {
      while (isAlive && takes && !bus.connection.isClosed()) {
        if (hand.size >= 2 * slots) {
          await delay(LOOK_MS);
          continue;
        }
        const message = await consumer.next({ expires: PULL_MS }).catch(() => undefined);
        if (message === undefined) await delay(LOOK_MS);
        if (!message) continue;
        const tile = decodeMessage(tileMessageSchema, message.data, 'tile');
        // An agent that ends takes its pull with it; this one shares the test's connection.
        if (!isAlive || tile.avoid?.some((avoided) => avoided === nodeId)) {
          message.nak(HAND_BACK_MS);
          continue;
        }
        hand.set(nameOf(tile), { message, tile, isRendering: false });
        work();
      }
    })();
    endAgent = async (isLeaving) => {
      isAlive = false;
      clearInterval(timer);
      for (const subscription of subscriptions) subscription.unsubscribe();
      if (isLeaving) beat(true);
      if (isLeaving) await reading;
    };
  };

  await startAgent();
  return {
    nodeId,
    begun,
    dropped,
    get ends() {
      return ends;
    },
    async leave() {
      isHere = false;
      await endAgent(true);
    },
  };
}

/** Well-formed, and black. */
export function blackReply(rendered: Reply, tile: TileMessage): Reply {
  const { x0, y0, x1, y1 } = tile.region;
  const data = new Float32Array((x1 - x0) * (y1 - y0) * 4);
  const bytes = encodeTile([{ name: 'beauty', data }], x1 - x0, y1 - y0);
  const outcome = { kind: 'rendered' as const, digest: digestOf(bytes), sizeBytes: bytes.byteLength };
  return { bytes, meta: { ...rendered.meta, outcome } };
}
