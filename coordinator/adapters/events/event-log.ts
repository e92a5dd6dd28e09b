/**
 * Publishes state changes of jobs to the EVENTS stream, one after the other per job, each until the stream has it. The
 * stream's sequence is what a watch resumes from. Events tell; they decide nothing: the truth is in the store.
 */

import type { Bus } from '#shared/bus/connect.js';
import { type EventMessage, encodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { Clock } from '#shared/clock.js';
import type { JobId } from '#shared/domain/ids.js';
import { randomSuffix } from '#shared/domain/ids.js';
import type { Logger } from '#shared/log.js';

export type JobEvent = Omit<EventMessage, 'atMs'>;

export interface EventLog {
  /** Resolves when the stream has it; nobody needs to wait. */
  publish(event: JobEvent): Promise<void>;
}

/** While the bus is away, events wait in memory; beyond this many, those that only inform are dropped. */
const WAITING_EVENTS_MAX = 10_000;
const DROPPABLE: ReadonlySet<EventMessage['kind']> = new Set([
  'attempt_failed',
  'result_rejected',
  'warning',
]);

export function eventLog(bus: Bus, clock: Clock, log: Logger, signal: AbortSignal): EventLog {
  const tails = new Map<JobId, Promise<void>>();
  let waiting = 0;

  const send = async (message: EventMessage): Promise<void> => {
    const msgID = randomSuffix(16);
    try {
      await retryCall(
        `publish event ${message.kind} of ${message.jobId}`,
        () => bus.js.publish(bus.names.event(message.jobId), encodeMessage(message), { msgID }),
        signal,
      );
    } catch (err) {
      log.warn({ jobId: message.jobId, event: message.kind, err }, 'event not published');
    } finally {
      waiting--;
    }
  };

  return {
    publish(event) {
      if (waiting >= WAITING_EVENTS_MAX && DROPPABLE.has(event.kind)) return Promise.resolve();
      waiting++;
      const message: EventMessage = { atMs: clock.nowMs(), ...event };
      const tail = (tails.get(event.jobId) ?? Promise.resolve()).then(() => send(message));
      tails.set(event.jobId, tail);
      void tail.then(() => {
        if (tails.get(event.jobId) === tail) tails.delete(event.jobId);
      });
      return tail;
    },
  };
}
