/** Says once a second on core NATS that this node is there and what it is. A missed one is never made up for. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, hostname, totalmem } from 'node:os';
import type { Bus } from '#shared/bus/connect.js';
import { encodeMessage, type Heartbeat } from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';

/** What changes from beat to beat. */
export type NodeActivity = Pick<Heartbeat, 'slotsBusy' | 'jobIds' | 'tilesDone'>;

export interface HeartbeatOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly slots: number;
  readonly renderers: Heartbeat['renderers'];
  activity(): NodeActivity;
}

export interface RunningHeartbeat {
  readonly instanceId: string;
  /** The last one: the node leaves on purpose. */
  leave(): void;
}

/** Starts at once. */
export function startHeartbeat(options: HeartbeatOptions): RunningHeartbeat {
  const { bus, nodeId, slots, renderers } = options;
  const fixed = {
    nodeId,
    instanceId: randomUUID(),
    hostName: hostname().slice(0, 256),
    agentVersion: packageVersion(),
    startedAtMs: Date.now(),
    slots,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    renderers,
  };
  const beat = (leaving: boolean) => {
    if (bus.connection.isClosed()) return;
    const message: Heartbeat = {
      ...fixed,
      ...options.activity(),
      memoryUsedBytes: totalmem() - freemem(),
      leaving,
    };
    bus.connection.publish(bus.names.heartbeat(nodeId), encodeMessage(message));
  };
  const timer = setInterval(beat, TIMES.heartbeatEveryMs, false);
  beat(false);
  return {
    instanceId: fixed.instanceId,
    leave: () => {
      clearInterval(timer);
      beat(true);
    },
  };
}

function packageVersion(): string {
  // From dist/node-agent/ up to the package root.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version ?? 'unknown').slice(0, 64);
}
