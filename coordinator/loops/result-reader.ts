/**
 * Reads the RESULTS stream in order, each message once, and purges it.
 *
 * The two belong together: on nats-server 2.9 a purge by subject moves every consumer that could match the subject behind
 * the stream's last message, also past messages of other subjects that it has not delivered (measured on 2.9.10). So
 * purges are gathered, reading stops for them, and goes on behind the last message that was taken.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Consumer, type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { retryCall } from '#shared/bus/retry-call.js';
import { TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import { isStreamLost } from './stream-lost.js';

/** Results asked for ahead: enough to keep the connection busy, at most 200 MB of the largest parts. */
const PREFETCH = 200;
const POLL_MS = 20;
const RESTART_DELAY_MS = 500;
/**
 * The server counts messages as delivered that have not come after so many looks, 3 s or more: it cannot read them. Looks
 * rather than a time: a process that stood still finds what has come meanwhile in between.
 */
const UNREADABLE_AFTER_LOOKS = 150;
/** Purges are gathered for this long: a pause costs a few ms, and small frames end by the dozen. */
const PURGE_GATHER_MS = 100;

interface Purge {
  /** Nothing: the whole stream. */
  readonly filter: string | undefined;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export class ResultReader {
  private readonly farm: Farm;
  private readonly take: (message: JsMsg) => void;
  private consumer: Consumer | undefined;
  private messages: ConsumerMessages | undefined;
  private session: Promise<void> | undefined;
  /** Reading stands still until this resolves. */
  private pause: Promise<void> | undefined;
  /** Of the last message taken. */
  lastSequence = 0;
  /** Grows when the stream is made anew: what an earlier reading still brings is of another stream. */
  private generation = 0;
  private readonly purges: Purge[] = [];
  private isPurging = false;

  constructor(farm: Farm, take: (message: JsMsg) => void) {
    this.farm = farm;
    this.take = take;
  }

  /** Starts reading with the first message. @returns the stream's last sequence, and how many messages it holds. */
  async start(): Promise<{ lastSequence: number; messages: number }> {
    const { bus, signal } = this.farm;
    const { state } = await retryCall(
      'look at the results stream',
      () => bus.jsm.streams.info(bus.names.resultsStream),
      signal,
    );
    this.lastSequence = Math.max(0, state.first_seq - 1);
    void this.keepReading();
    return { lastSequence: state.last_seq, messages: state.messages };
  }

  /**
   * Resolves when every result that was in the stream at the time of the call has been taken. The server is asked
   * rather than sequences compared: the stream's last messages may have been purged, and are then never delivered.
   * Messages that the server counts as delivered and cannot read (its store was damaged) are passed over: their tiles
   * are found missing.
   * @returns false when `patience` ended first: the stream may be gone.
   */
  async caughtUp(patience?: AbortSignal): Promise<boolean> {
    let stuckAt = '';
    let stuckLooks = 0;
    for (;;) {
      this.farm.signal.throwIfAborted();
      const { consumer } = this;
      const info = await consumer?.info().catch(() => undefined);
      const isCurrent = consumer === this.consumer && !this.pause;
      if (info && isCurrent) {
        const { num_pending: pending, delivered } = info;
        if (pending === 0 && delivered.stream_seq <= this.lastSequence) return true;
        const now = `${info.name} ${pending} ${delivered.stream_seq} ${this.lastSequence}`;
        stuckLooks = now === stuckAt ? stuckLooks + 1 : 0;
        stuckAt = now;
        if (stuckLooks > UNREADABLE_AFTER_LOOKS) await this.passOver();
      } else stuckAt = '';
      if (patience?.aborted) return false;
      await delay(POLL_MS, undefined, { signal: this.farm.signal });
    }
  }

  /** Whatever is written to a damaged block is lost as well: the stream begins anew. What was taken is in memory. */
  private async passOver(): Promise<void> {
    const { bus, log, signal } = this.farm;
    const look = () => bus.jsm.streams.info(bus.names.resultsStream);
    const { state } = await retryCall('look at the results stream', look, signal);
    const [from, to] = [this.lastSequence + 1, state.last_seq];
    log.error({ from, to }, 'results cannot be read any more; their tiles are rendered again');
    this.lastSequence = Math.max(this.lastSequence, to);
    await this.purge(undefined);
  }

  /** Removes the results of a subject, or all. Resolves when they are gone. */
  purge(filter: string | undefined): Promise<void> {
    return new Promise((done, failed) => {
      this.purges.push({ filter, done, failed });
      if (!this.isPurging) void this.runPurges();
    });
  }

  /** The stream was made anew: goes on with its first message. */
  async restart(): Promise<void> {
    this.generation++;
    this.lastSequence = 0;
    await this.messages?.close();
  }

  async stop(): Promise<void> {
    await this.messages?.close();
    // What a session fails with is told by the loop that runs it.
    await this.session?.catch(() => undefined);
  }

  private async keepReading(): Promise<void> {
    const { signal, log } = this.farm;
    while (!signal.aborted) {
      while (this.pause) await this.pause;
      try {
        this.session = this.readOnce();
        await this.session;
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ err }, 'reading results was interrupted; going on');
      }
      if (!this.pause) await delay(RESTART_DELAY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One consumer's life. An ordered consumer mends itself; should it end all the same, the next one goes on. */
  private async readOnce(): Promise<void> {
    const { bus, signal, log } = this.farm;
    const { generation } = this;
    const consumer = await retryCall(
      'read results',
      () =>
        bus.js.consumers.get(bus.names.resultsStream, {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: this.lastSequence + 1,
        }),
      signal,
    );
    try {
      this.messages = await consumer.consume({ max_messages: PREFETCH, expires: TIMES.pullMs });
      this.consumer = consumer;
      // Not close(): that resolves when the loop below gets to it, and would wait for ever before the loop.
      if (this.pause || signal.aborted || generation !== this.generation) this.messages.stop();
      for await (const message of this.messages) {
        if (generation !== this.generation) break;
        this.lastSequence = Math.max(this.lastSequence, message.seq);
        this.takeOne(message);
      }
    } finally {
      this.consumer = undefined;
      this.messages = undefined;
      // Whatever stays (the bus may be away just now) the server removes by itself.
      await consumer.delete().catch((err: unknown) => log.debug({ err }, 'consumer of results not deleted'));
    }
  }

  /** A message that this program trips over is dropped, and its tile found missing later; the others go on. */
  private takeOne(message: JsMsg): void {
    try {
      this.take(message);
    } catch (err) {
      this.farm.log.error(
        { subject: message.subject, seq: message.seq, err },
        'result cannot be taken; dropped',
      );
    }
  }

  private async runPurges(): Promise<void> {
    const { signal } = this.farm;
    this.isPurging = true;
    while (this.purges.length > 0) {
      await delay(PURGE_GATHER_MS, undefined, { signal }).catch(() => undefined);
      await this.purgeBatch(this.purges.splice(0));
    }
    this.isPurging = false;
  }

  private async purgeBatch(batch: readonly Purge[]): Promise<void> {
    const { bus, signal } = this.farm;
    let goOn = () => {};
    this.pause = new Promise((resolve) => {
      goOn = resolve;
    });
    try {
      await this.messages?.close();
      // What a session fails with is told by the loop that runs it.
      await this.session?.catch(() => undefined);
      for (const { filter, done, failed } of batch)
        await retryCall(
          `purge results ${filter ?? ''}`,
          () => bus.jsm.streams.purge(bus.names.resultsStream, filter === undefined ? undefined : { filter }),
          signal,
        ).then(done, (error: unknown) => (isStreamLost(error) ? done() : failed(error)));
    } finally {
      this.pause = undefined;
      goOn();
    }
  }
}
