/**
 * Says once a second on core NATS that this node is there, what it is and what it has in hand. A missed one is never made
 * up for; the coordinator may call for one in between. It answers when the node holds what it should drop.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, hostname, totalmem } from 'node:os';
import { createInbox } from '@nats-io/transport-node';
import type { Bus } from '#shared/bus/connect.js';
import {
  decodeMessage,
  encodeMessage,
  type Heartbeat,
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
} from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import { TIMES } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';

/** What changes from beat to beat. */
export type NodeActivity = Pick<
  Heartbeat,
  | 'slotsBusy'
  | 'jobIds'
  | 'tilesDone'
  | 'inHand'
  | 'inHandLeftOut'
  | 'draining'
  | 'troubles'
  | 'assignmentRevision'
  // The search for programs may take longer than the node waits for it.
  | 'renderers'
  | 'sandbox'
>;

export interface HeartbeatOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly slots: number;
  /** As the configuration has them. */
  readonly traits: Required<Pick<Heartbeat, 'pools' | 'tags' | 'gpus'>>;
  readonly logger: Logger;
  activity(): NodeActivity;
  onAnswer(answer: HeartbeatAnswer): void;
}

export interface RunningHeartbeat {
  readonly instanceId: string;
  /** One more, at once: something changed that should not wait for a second. */
  beat(): void;
  /** The last one: the node leaves on purpose. */
  leave(): void;
}

/** Starts at once. */
export function startHeartbeat(options: HeartbeatOptions): RunningHeartbeat {
  const { bus, nodeId, slots } = options;
  const fixed = {
    nodeId,
    instanceId: randomUUID(),
    hostName: hostname().slice(0, 256),
    agentVersion: packageVersion(),
    startedAtMs: Date.now(),
    slots,
    ...options.traits,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
  const inbox = createInbox();
  const answers = bus.connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error) return;
      try {
        options.onAnswer(decodeMessage(heartbeatAnswerSchema, message.data, 'answer to a heartbeat'));
      } catch (cause) {
        options.logger.warn({ reason: messageOf(cause) }, 'answer to a heartbeat dropped');
      }
    },
  });
  let hasLeft = false;
  const beat = (leaving: boolean) => {
    if (hasLeft || bus.connection.isClosed()) return;
    hasLeft = leaving;
    const message: Heartbeat = {
      ...fixed,
      ...options.activity(),
      memoryUsedBytes: totalmem() - freemem(),
      leaving,
    };
    bus.connection.publish(bus.names.heartbeat(nodeId), encodeMessage(message), { reply: inbox });
  };
  let called: NodeJS.Timeout | undefined;
  const calls = bus.connection.subscribe(bus.names.rollCall, {
    callback: (error) => {
      if (error) return;
      // Tiles that came before the call are at hand by then.
      called ??= setTimeout(() => {
        called = undefined;
        beat(false);
      }, TIMES.rollCallAnswerMs);
    },
  });
  const timer = setInterval(beat, TIMES.heartbeatEveryMs, false);
  beat(false);
  return {
    instanceId: fixed.instanceId,
    beat: () => beat(false),
    leave: () => {
      clearInterval(timer);
      clearTimeout(called);
      for (const subscription of [answers, calls]) subscription.unsubscribe();
      beat(true);
    },
  };
}

function packageVersion(): string {
  // From dist/node-agent/ up to the package root.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version ?? 'unknown').slice(0, 64);
}
