/** Heartbeats of a node that is not there: what the coordinator makes of what a node says, without an agent behind it. */
import type { Bus } from '#shared/bus/connect.js';
import { decodeMessage, encodeMessage, type Heartbeat, heartbeatSchema } from '#shared/bus/messages.js';
import { TIMES } from '#shared/limits.js';

/** What nodes of tests have; a job is pinned to it. */
export const FAKE_RENDERERS: Heartbeat['renderers'] = [
  { name: 'synthetic', version: 'test' },
  { name: 'gltf', version: 'test' },
];

export interface FakeNode {
  /** Says this from now on, and at once. */
  say(changes: Partial<Heartbeat>): void;
  /** Says nothing any more, without goodbye. */
  fallSilent(): void;
  /** Says goodbye. */
  [Symbol.dispose](): void;
}

export function startFakeNode(bus: Bus, nodeId: string, changes: Partial<Heartbeat> = {}): FakeNode {
  let heartbeat: Heartbeat = decodeMessage(
    heartbeatSchema,
    encodeMessage({
      ...{ nodeId, instanceId: `instance of ${nodeId}`, hostName: 'nowhere', agentVersion: '0' },
      ...{ startedAtMs: Date.now(), slots: 1, slotsBusy: 0, cores: 1, memoryBytes: 0, memoryUsedBytes: 0 },
      ...{
        renderers: FAKE_RENDERERS,
        jobIds: [],
        tilesDone: 0,
        inHand: [],
        inHandLeftOut: 0,
        leaving: false,
      },
      ...changes,
    }),
    'heartbeat',
  );
  const beat = () => {
    // A test that fails may have closed it under its nodes.
    if (bus.connection.isClosed()) return;
    bus.connection.publish(bus.names.heartbeat(heartbeat.nodeId), encodeMessage(heartbeat));
  };
  const timer = setInterval(beat, TIMES.heartbeatEveryMs);
  const answers = bus.connection.subscribe(bus.names.rollCall, { callback: beat });
  const fallSilent = () => {
    clearInterval(timer);
    answers.unsubscribe();
  };
  beat();
  return {
    say(more) {
      heartbeat = { ...heartbeat, ...more };
      beat();
    },
    fallSilent,
    [Symbol.dispose]() {
      fallSilent();
      heartbeat = { ...heartbeat, leaving: true };
      beat();
    },
  };
}
