/** What nodes say of themselves, as often as a test asks: heartbeats once a second would miss what happens between. */
import { decodeMessage, type Heartbeat, heartbeatSchema } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import type { AgentFarm } from './agent-farm.js';
import { waitUntil } from './wait-until.js';

/** A roll call is answered 20 ms after it. */
const ASK_EVERY_MS = 30;

export interface HeartbeatLog extends Disposable {
  readonly all: readonly Heartbeat[];
  last(nodeId?: string): Heartbeat | undefined;
  /** The first from now on that satisfies the condition. */
  next(condition: (beat: Heartbeat) => boolean, describe: string): Promise<Heartbeat>;
}

/** @param isDense every node is asked all the time. */
export function heartbeatLog({ bus }: AgentFarm, isDense = false): HeartbeatLog {
  const all: Heartbeat[] = [];
  const subscription = bus.connection.subscribe(bus.names.heartbeatsAll, {
    callback: (error, message) => {
      if (!error) all.push(decodeMessage(heartbeatSchema, message.data, 'heartbeat'));
    },
  });
  const timer = isDense
    ? setInterval(() => bus.connection.publish(bus.names.rollCall), ASK_EVERY_MS)
    : undefined;
  return {
    all,
    last: (nodeId) => all.findLast((beat) => nodeId === undefined || beat.nodeId === nodeId),
    next(condition, describe) {
      const from = all.length;
      return waitUntil(() => all.slice(from).find(condition), {
        describe: () => `${describe}; the last heartbeat: ${JSON.stringify(all.at(-1))}`,
      });
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      subscription.unsubscribe();
    },
  };
}

/** Tiles of the job in the node's slots, and those that wait for one. */
export function handOf(beat: Heartbeat | undefined, jobId: JobId): { rendering: number; atHand: number } {
  const hand = beat?.inHand.find((one) => one.jobId === jobId);
  return { rendering: hand?.taken ?? 0, atHand: hand?.attempts.length ?? 0 };
}
