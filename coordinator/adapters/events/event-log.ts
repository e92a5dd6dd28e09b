/**
 * Publishes state changes of jobs to the EVENTS stream, one after the other per job, each until the stream has it. The
 * stream's sequence is what a watch resumes from. Events tell; they decide nothing: the truth is in the store.
 */

import type { Bus } from '#shared/bus/connect.js';
import { decodeMessage, type EventMessage, encodeMessage, eventMessageSchema } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { Clock } from '#shared/clock.js';
import type { JobId } from '#shared/domain/ids.js';
import { randomSuffix } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';

export type JobEvent = Omit<EventMessage, 'atMs'>;

export interface EventLog {
  /**
   * Resolves when the stream has it; nobody needs to wait.
   * @param id equal for what is told again: within two minutes it is kept once.
   */
  publish(event: JobEvent, id?: string): Promise<void>;
  /** The last event of a job that an earlier run has told, if any; telling its results goes on behind it. */
  resume(jobId: JobId): Promise<EventMessage | undefined>;
  /** The sequence in RESULTS up to which a job's results have been told. */
  toldUpTo(jobId: JobId): number;
  /** RESULTS was made anew, or put back: nothing behind this sequence of it has been told. */
  streamsLost(lastSequence?: number): void;
}

/** While the bus is away, events wait in memory; beyond this many, those that only inform are dropped. */
const WAITING_EVENTS_MAX = 10_000;
const DROPPABLE: ReadonlySet<EventMessage['kind']> = new Set([
  'attempt_failed',
  'result_rejected',
  'node_lost',
  'node_blocked',
  'node_quarantined',
  'node_forgiven',
  'speculated',
  'planned',
  'repaired',
  'paused',
  'resumed',
  'warning',
]);

export function eventLog(bus: Bus, clock: Clock, log: Logger, signal: AbortSignal): EventLog {
  const tails = new Map<JobId, Promise<void>>();
  /** Stamped on each event, so that the last one alone tells a restart where to go on. */
  const told = new Map<JobId, number>();
  let waiting = 0;

  const send = async (message: EventMessage, msgID: string): Promise<void> => {
    try {
      await retryCall(
        `publish event ${message.kind} of ${message.jobId}`,
        () => bus.publisher.publish(bus.names.event(message.jobId), encodeMessage(message), { msgID }),
        signal,
      );
    } catch (err) {
      log.warn({ jobId: message.jobId, event: message.kind, err }, 'event not published');
    } finally {
      waiting--;
    }
  };

  return {
    publish(event, id) {
      if (waiting >= WAITING_EVENTS_MAX && DROPPABLE.has(event.kind)) return Promise.resolve();
      waiting++;
      const resultSequence = Math.max(event.resultSequence ?? 0, told.get(event.jobId) ?? 0);
      const message: EventMessage = { atMs: clock.nowMs(), ...event, resultSequence };
      if (event.kind === 'finished' || event.kind === 'cancelled') told.delete(event.jobId);
      else told.set(event.jobId, resultSequence);
      const tail = (tails.get(event.jobId) ?? Promise.resolve()).then(() =>
        send(message, id ?? messageId(message)),
      );
      tails.set(event.jobId, tail);
      void tail.then(() => {
        if (tails.get(event.jobId) === tail) tails.delete(event.jobId);
      });
      return tail;
    },
    async resume(jobId) {
      const last = await retryCall(
        `look at the events of ${jobId}`,
        () => bus.jsm.streams.getMessage(bus.names.eventsStream, { last_by_subj: bus.names.event(jobId) }),
        signal,
      );
      if (!last) return undefined;
      try {
        const event = decodeMessage(eventMessageSchema, last.data, `event ${last.seq}`);
        told.set(jobId, event.resultSequence ?? 0);
        return event;
      } catch (error) {
        log.warn({ jobId, reason: messageOf(error) }, 'event dropped');
        return undefined;
      }
    },
    toldUpTo: (jobId) => told.get(jobId) ?? 0,
    streamsLost(lastSequence = 0) {
      for (const [jobId, sequence] of told) told.set(jobId, Math.min(sequence, lastSequence));
    },
  };
}

/** What is told of an attempt has one id, so that a coordinator killed while it told it does not tell it twice. */
function messageId({ kind, jobId, frame, tile, attempt, nodeId }: EventMessage): string {
  if (kind !== 'attempt_failed' && kind !== 'tile_failed') return randomSuffix(16);
  return [kind, jobId, frame, tile, attempt, nodeId].join('.');
}
