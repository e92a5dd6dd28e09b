/** Heartbeats of a node that is not there: what the coordinator makes of what a node says, without an agent behind it. */
import type { Bus } from '#shared/bus/connect.js';
import { decodeMessage, encodeMessage, type Heartbeat, heartbeatSchema } from '#shared/bus/messages.js';
import { TIMES } from '#shared/limits.js';

export interface FakeNode {
  /** Says this from now on, and at once. */
  say(changes: Partial<Heartbeat>): void;
  /** Says goodbye. */
  [Symbol.dispose](): void;
}

export function startFakeNode(bus: Bus, nodeId: string, changes: Partial<Heartbeat> = {}): FakeNode {
  let heartbeat: Heartbeat = decodeMessage(
    heartbeatSchema,
    encodeMessage({
      ...{ nodeId, instanceId: `instance of ${nodeId}`, hostName: 'nowhere', agentVersion: '0' },
      ...{ startedAtMs: Date.now(), slots: 1, slotsBusy: 0, cores: 1, memoryBytes: 0, memoryUsedBytes: 0 },
      ...{ renderers: [], jobIds: [], tilesDone: 0, inHand: [], inHandLeftOut: 0, leaving: false },
      ...changes,
    }),
    'heartbeat',
  );
  const beat = () => bus.connection.publish(bus.names.heartbeat(heartbeat.nodeId), encodeMessage(heartbeat));
  const timer = setInterval(beat, TIMES.heartbeatEveryMs);
  const answers = bus.connection.subscribe(bus.names.rollCall, { callback: beat });
  beat();
  return {
    say(more) {
      heartbeat = { ...heartbeat, ...more };
      beat();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      answers.unsubscribe();
      heartbeat = { ...heartbeat, leaving: true };
      if (!bus.connection.isClosed()) beat();
    },
  };
}
