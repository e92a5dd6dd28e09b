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
import { FAKE_RENDERERS } from './fake-node.js';

const HEARTBEAT_MS = 200;
const HAND_BACK_MS = 50;
const RESTART_MS = 100;
/** The client gives a pull up, and with it what is on its way, when it has heard nothing for so long. */
const PULL_MS = 10_000;
const LOOK_MS = 10;
/** For what it has rendered; the server may be away. */
const LEAVE_MS_MAX = 5_000;

export type Answer = Reply | 'agent ends' | 'never';

export interface WorkingNodeOptions {
  readonly nodeId: string;
  readonly slots?: number;
  /** False: it is there and takes nothing. */
  readonly takes?: boolean;
  /** What becomes of a tile; default: its pixels. `agent ends`: a new one is started at once. */
  readonly answer?: (tile: TileMessage, rendered: Reply) => Answer;
}

export interface WorkingNode extends AsyncDisposable {
  readonly nodeId: string;
  /** Tiles that it began to render. */
  readonly begun: TileMessage[];
  /** `frame/tile/attempt` of what it was told to drop. */
  readonly dropped: string[];
  /** How many of its agents have ended. */
  readonly ends: number;
  /** It tells what it has rendered, hands the rest back and says goodbye; once. @throws what went wrong in it. */
  leave(): Promise<void>;
}

interface Held {
  message: JsMsg;
  readonly tile: TileMessage;
  isRendering: boolean;
}

/** One run of the node. */
interface Agent {
  /** As if it were killed. */
  end(): void;
  leave(): Promise<void>;
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
  let failure: unknown;
  let restart: NodeJS.Timeout | undefined;
  let agent: Agent | undefined;
  let leaving: Promise<void> | undefined;
  const fail = (error: unknown): void => {
    failure ??= error;
  };

  const startAgent = (): Agent => {
    const instanceId = randomSuffix(8);
    const startedAtMs = Date.now();
    const hand = new Map<string, Held>();
    const publishing = new Set<Promise<void>>();
    const ended = new AbortController();
    let isTaking = true;
    const inbox = `_test.${instanceId}`;
    const beat = (isLast = false): void => {
      // A test that fails may have closed it under its nodes.
      if (bus.connection.isClosed()) return;
      const attempts = [...hand.values()]
        .sort((a, b) => Number(b.isRendering) - Number(a.isRendering))
        .map(({ tile, message }) => [tile.frame, tile.tile, tile.attempt, message.seq]);
      const rendering = [...hand.values()].filter((held) => held.isRendering).length;
      const heartbeat = {
        ...{ nodeId, instanceId, hostName: 'test', agentVersion: '0', startedAtMs, slots },
        ...{ slotsBusy: rendering, cores: 1, memoryBytes: 0, memoryUsedBytes: 0, renderers: FAKE_RENDERERS },
        ...{ jobIds: [jobId], tilesDone: 0, inHandLeftOut: 0, leaving: isLast },
        inHand: isLast ? [] : [{ jobId, attempts, rendering }],
      };
      bus.connection.publish(`${bus.names.prefix}.heartbeat.${nodeId}`, encodeMessage(heartbeat), {
        reply: inbox,
      });
    };
    const drop = ({ over }: HeartbeatAnswer): void => {
      for (const [frame, tile, attempt] of over.flatMap(({ attempts }) => attempts)) {
        const name = nameOf({ frame, tile, attempt });
        hand.get(name)?.message.ack();
        if (hand.delete(name)) dropped.push(name);
      }
      work();
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
    const publish = async (name: string, held: Held, reply: Reply): Promise<void> => {
      try {
        await publishResult(bus, reply, { signal: ended.signal });
        if (!ended.signal.aborted && hand.delete(name)) held.message.ack();
      } catch (error) {
        if (ended.signal.aborted) return;
        fail(error);
        // Kept in hand, it would be nobody's for as long as the node is there.
        if (hand.delete(name)) held.message.nak();
      }
    };
    const work = (): void => {
      for (const [name, held] of hand) {
        if (!isTaking || [...hand.values()].filter((one) => one.isRendering).length >= slots) return;
        if (held.isRendering) continue;
        held.isRendering = true;
        begun.push(held.tile);
        const reply = answer(held.tile, renderTile(held.tile, nodeId));
        if (reply === 'agent ends') {
          ends++;
          end();
          restart = setTimeout(() => {
            agent = startAgent();
          }, RESTART_MS);
          return;
        }
        if (reply === 'never') continue;
        const running = publish(name, held, reply).finally(() => {
          publishing.delete(running);
          work();
        });
        publishing.add(running);
      }
    };
    const take = async (): Promise<void> => {
      const consumer = await retryCall(
        'get consumer',
        () => bus.js.consumers.get(bus.names.tilesStream, bus.names.consumer(jobId)),
        ended.signal,
      );
      while (isTaking && !bus.connection.isClosed()) {
        if (hand.size >= 2 * slots) {
          await delay(LOOK_MS);
          continue;
        }
        // The consumer may be gone, and the server away.
        const message = await consumer.next({ expires: PULL_MS }).catch(() => undefined);
        if (message === undefined) await delay(LOOK_MS);
        if (!message) continue;
        const tile = decodeMessage(tileMessageSchema, message.data, 'tile');
        // An agent that ends takes its pull with it; this one shares the test's connection.
        if (!isTaking || tile.avoid?.some((avoided) => avoided === nodeId)) {
          // In lockstep three nodes can hand three tiles round for ever, each to one that is to leave it.
          message.nak(HAND_BACK_MS * (0.5 + Math.random()));
          continue;
        }
        const known = hand.get(nameOf(tile));
        // Its lease has run out meanwhile.
        if (known) known.message = message;
        else hand.set(nameOf(tile), { message, tile, isRendering: false });
        work();
      }
    };
    const timer = setInterval(() => beat(), HEARTBEAT_MS);
    const end = (): void => {
      isTaking = false;
      ended.abort();
      clearInterval(timer);
      for (const subscription of subscriptions) subscription.unsubscribe();
    };
    beat();
    if (takes)
      take().catch((error: unknown) => {
        if (!ended.signal.aborted) fail(error);
      });
    return {
      end,
      async leave() {
        isTaking = false;
        const impatience = setTimeout(() => ended.abort(), LEAVE_MS_MAX);
        while (publishing.size > 0) await Promise.all(publishing);
        clearTimeout(impatience);
        if (ended.signal.aborted || bus.connection.isClosed()) return end();
        for (const { message } of hand.values()) message.nak();
        hand.clear();
        beat(true);
        end();
      },
    };
  };

  agent = startAgent();
  // From here on the server knows of it.
  await bus.connection.flush();
  const leave = async (): Promise<void> => {
    clearTimeout(restart);
    await agent?.leave();
    if (failure) throw failure;
  };
  const leaveOnce = (): Promise<void> => {
    leaving ??= leave();
    return leaving;
  };
  return {
    nodeId,
    begun,
    dropped,
    get ends() {
      return ends;
    },
    leave: leaveOnce,
    [Symbol.asyncDispose]: leaveOnce,
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
