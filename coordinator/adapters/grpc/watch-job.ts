/**
 * One watcher of one job: the kept events after a sequence, then live ones, with progress snapshots between them, up to
 * the event that ends the job. Nothing is buffered: a slow reader slows its own consumer, and skips snapshots.
 */
import { DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { decodeMessage, type EventMessage, eventMessageSchema } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { messageOf } from '#shared/errors.js';
import { TIMES } from '#shared/limits.js';
import { isJobEnded } from '#shared/state/job-state.js';
import type { JobEvent } from '#shared/wire/generated/guian/v1/JobEvent.js';
import type { Farm } from '../../farm.js';
import { type JobView, viewOf } from '../../jobs/job-registry.js';
import { LiveJob } from '../../jobs/live-job.js';
import type { Send } from './handlers.js';
import { toWireEvent } from './to-wire.js';

/** How long the event that ends a job may be behind the job's state before the end is told without it. */
const TERMINAL_EVENT_WAIT_MS = 5_000;
const PREFETCH = 100;
const IDLE_CONSUMER_MS = 30_000;

export interface WatchOptions {
  readonly afterSequence: number;
  /** Ends behind the last kept event instead of following the job. */
  readonly keptOnly: boolean;
}

/** @throws JOB_NOT_FOUND. Resolves after the event that ends the job (for good, if it was retried) was sent. */
export async function watchJob(
  farm: Farm,
  jobId: string,
  { afterSequence, keptOnly }: WatchOptions,
  send: Send<JobEvent>,
  callerGone: AbortSignal,
): Promise<void> {
  const { record } = farm.jobs.get(jobId);
  const { bus } = farm;
  const signal = AbortSignal.any([farm.signal, callerGone]);
  const consumer = await retryCall(
    `watch ${record.jobId}`,
    () =>
      bus.js.consumers.get(bus.names.eventsStream, {
        filter_subjects: bus.names.event(record.jobId),
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: afterSequence + 1,
        inactive_threshold: IDLE_CONSUMER_MS,
      }),
    signal,
  );
  if (keptOnly) {
    const { num_pending } = await retryCall(`count events of ${record.jobId}`, () => consumer.info(), signal);
    if (num_pending === 0) {
      await consumer.delete();
      return;
    }
  }
  const messages = await consumer.consume({ max_messages: PREFETCH, expires: TIMES.pullMs });
  const stop = () => void messages.close();
  signal.addEventListener('abort', stop, { once: true });
  // The caller may have gone while the consumer was made: no event tells of that any more.
  if (signal.aborted) stop();

  // Events and snapshots come from two sources but leave through one send at a time, in order.
  let tail: Promise<void> = Promise.resolve();
  let isSending = false;
  const sendInTurn = (event: JobEvent): Promise<void> => {
    isSending = true;
    tail = tail
      .then(() => send(event))
      .finally(() => {
        isSending = false;
      });
    return tail;
  };
  let heardAtMs = performance.now();
  /** The job has not been retried since its end was sent. */
  let isEndSent = false;
  const snapshots = progressTimer(farm, record.jobId, {
    keptOnly,
    isBusy: () => isSending,
    heardAtMs: () => heardAtMs,
    send: (event) => void sendInTurn(event).catch(stop),
    endedWithoutEvent: stop,
  });
  try {
    for await (const message of messages) {
      heardAtMs = performance.now();
      const isLast = message.info.pending === 0;
      const event = decodeEvent(farm, record.jobId, message);
      if (event) {
        // An end that a retry came after is one event among others.
        isEndSent = isTerminal(event.kind) || (isEndSent && event.kind !== 'retried');
        const isTheEnd = isTerminal(event.kind) && isLast && isJobEnded(farm.jobs.view(jobId).state);
        if (isTheEnd && !keptOnly) await sendInTurn(progressEvent(farm, record.jobId));
        await sendInTurn(toWireEvent(event, message.seq));
        if (isTheEnd) return;
      }
      if (keptOnly && isLast) return;
    }
    signal.throwIfAborted();
    if (isEndSent || keptOnly) return;
    // The stream has lost the end (or never got it): the store knows it all the same.
    const view = farm.jobs.view(record.jobId);
    await sendInTurn(progressEvent(farm, record.jobId));
    await sendInTurn({
      ...progressEvent(farm, record.jobId),
      kind: view.state === 'cancelled' ? 'cancelled' : 'finished',
      message: `the job has ended: ${view.state}`,
    });
  } finally {
    clearInterval(snapshots);
    signal.removeEventListener('abort', stop);
    await messages.close();
    // Whatever stays (the bus may be away just now) the server removes by itself.
    await consumer
      .delete()
      .catch((err: unknown) => farm.log.debug({ err }, 'consumer of a watcher not deleted'));
  }
}

interface SnapshotSink {
  /** No snapshots; the end of the watch alone is looked after. */
  readonly keptOnly: boolean;
  isBusy(): boolean;
  /** When the last event came, by the clock that only goes forward. */
  heardAtMs(): number;
  send(event: JobEvent): void;
  /** The job ended a while ago and its terminal event has not come. */
  endedWithoutEvent(): void;
}

function progressTimer(farm: Farm, jobId: string, sink: SnapshotSink): NodeJS.Timeout {
  let shown = -1;
  let endedAtMs: number | undefined;
  return setInterval(() => {
    const job = farm.jobs.get(jobId);
    if (sink.keptOnly || !(job instanceof LiveJob)) {
      // Kept events that do not come any more went with their stream.
      endedAtMs ??= performance.now();
      const quietMs = performance.now() - Math.max(endedAtMs, sink.heardAtMs());
      if (!sink.isBusy() && quietMs > TERMINAL_EVENT_WAIT_MS) sink.endedWithoutEvent();
      return;
    }
    endedAtMs = undefined;
    if (job.changes === shown || sink.isBusy()) return;
    shown = job.changes;
    sink.send(progressEvent(farm, jobId));
  }, TIMES.progressEveryMs);
}

function progressEvent(farm: Farm, jobId: string): JobEvent {
  const view: JobView = viewOf(farm.jobs.get(jobId));
  return {
    sequence: 0,
    atMs: farm.clock.nowMs(),
    jobId,
    kind: 'progress',
    state: view.state,
    message: isJobEnded(view.state) ? view.state : '',
    progress: { ...view.progress },
  };
}

function decodeEvent(farm: Farm, jobId: string, message: JsMsg): EventMessage | undefined {
  try {
    const event = decodeMessage(eventMessageSchema, message.data, `event ${message.seq}`);
    // The store decides whether a job has ended, and it is told first: an event that says so too early is no event.
    const job = farm.jobs.get(jobId);
    const mayHaveEnded = !(job instanceof LiveJob) || isJobEnded(job.state) || job.frameRetries.count > 0;
    const isTrue = event.jobId === jobId && (!isTerminal(event.kind) || mayHaveEnded);
    if (isTrue) return event;
    farm.log.warn({ jobId, event: event.kind, reason: 'it is not what the store says' }, 'event dropped');
  } catch (err) {
    farm.log.warn({ jobId, reason: messageOf(err) }, 'event dropped');
  }
  return undefined;
}

function isTerminal(kind: EventMessage['kind']): boolean {
  return kind === 'finished' || kind === 'cancelled';
}
