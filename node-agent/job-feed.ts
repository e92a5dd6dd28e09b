/**
 * One job's tiles as they come: several pulls on its durable consumer may be out at a time, and each yields messages as
 * they arrive. A consumer that is not there (not yet, or deleted with its job) is asked for again, ever more slowly,
 * for as long as the feed is open.
 */
import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { Bus } from '#shared/bus/connect.js';
import type { JobId } from '#shared/domain/ids.js';
import type { Logger } from '#shared/log.js';

/** A pull on an empty queue occupies part of the node's depth for so long; shorter is more traffic from idle nodes. */
export const PULL_MS = 2_000;
/**
 * A queue that has tiles gives one in a few ms. One that has not after this long is dry, and its pull keeps no slot from
 * other jobs any more (measured: an agent that starts among three dry jobs had its first tile after 3 s).
 */
const QUIET_MS = 250;
const FIRST_RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;

export interface JobFeedEvents {
  /** After the feed is closed too: what was on its way must be handed back. */
  onMessage(message: JsMsg): void;
  /** Something changed that may allow another pull. */
  onChange(): void;
}

export class JobFeed {
  readonly jobId: JobId;
  /** Tiles asked for that have not come. */
  outstanding = 0;
  /** The last pull came back empty. */
  isDry = false;
  /** When the last pull began, by the clock that only goes forward; 0: never. */
  askedAtMs = 0;
  readonly #bus: Bus;
  readonly #logger: Logger;
  readonly #events: JobFeedEvents;
  readonly #pulls = new Map<Promise<void>, ConsumerMessages | undefined>();
  #consumer: Promise<Consumer> | undefined;
  #failures = 0;
  #isRetrying = false;
  #held: NodeJS.Timeout | undefined;
  #heldUntilMs = 0;
  #isClosed = false;

  constructor(bus: Bus, jobId: JobId, logger: Logger, events: JobFeedEvents) {
    this.#bus = bus;
    this.jobId = jobId;
    this.#logger = logger;
    this.#events = events;
  }

  /** False between a failure and its retry, and while it is held. */
  get canPull(): boolean {
    return !this.#isClosed && !this.#isRetrying && !this.isHeld;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** No pulls for so long, or for as long as it was held before. Those that are out may still bring tiles. */
  hold(holdMs: number): void {
    const untilMs = performance.now() + holdMs;
    if (this.#isClosed || holdMs <= 0 || untilMs <= this.#heldUntilMs) return;
    clearTimeout(this.#held);
    this.#heldUntilMs = untilMs;
    this.#held = setTimeout(() => this.resume(), holdMs);
    this.#held.unref();
  }

  resume(): void {
    if (!this.isHeld) return;
    clearTimeout(this.#held);
    this.#held = undefined;
    this.#heldUntilMs = 0;
    if (!this.#isClosed) this.#events.onChange();
  }

  pull(count: number): void {
    this.outstanding += count;
    this.askedAtMs = performance.now();
    const pull: Promise<void> = this.#pull(count, (messages) => {
      if (this.#pulls.has(pull)) this.#pulls.set(pull, messages);
    }).finally(() => {
      this.#pulls.delete(pull);
      this.#events.onChange();
    });
    this.#pulls.set(pull, undefined);
  }

  /**
   * No further pulls. Those that are out may still bring tiles; they end by themselves within `PULL_MS`, since ending
   * them sooner would drop what is on its way until its lease runs out.
   */
  close(): void {
    this.#isClosed = true;
    this.resume();
  }

  /** When no pull is out any more. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.#pulls.keys());
  }

  /** Ends the pulls that are out, whatever they might still bring. */
  stop(): void {
    this.close();
    for (const messages of this.#pulls.values()) messages?.stop();
  }

  async #pull(count: number, opened: (messages: ConsumerMessages) => void): Promise<void> {
    let missing = count;
    let received = 0;
    const quiet = setTimeout(() => {
      if (received > 0 || this.isDry) return;
      this.isDry = true;
      this.#events.onChange();
    }, QUIET_MS);
    try {
      this.#consumer ??= this.#bus.js.consumers.get(
        this.#bus.names.tilesStream,
        this.#bus.names.consumer(this.jobId),
      );
      const consumer = await this.#consumer;
      if (this.#isClosed) return;
      const messages = await consumer.fetch({ max_messages: count, expires: PULL_MS });
      opened(messages);
      for await (const message of messages) {
        received++;
        this.#failures = 0;
        this.isDry = false;
        // After a reconnection the client asks for the whole batch again, so more may come than was counted.
        if (missing > 0) {
          missing--;
          this.outstanding--;
        }
        this.#events.onMessage(message);
      }
      if (received === 0) this.isDry = true;
    } catch (error) {
      this.#retryLater(error);
    } finally {
      clearTimeout(quiet);
      this.outstanding -= missing;
    }
  }

  #retryLater(error: unknown): void {
    this.#consumer = undefined;
    if (this.#isClosed || this.#isRetrying) return;
    this.#failures++;
    const delayMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 8));
    if (this.#failures === 3)
      this.#logger.warn(
        { jobId: this.jobId, err: error },
        'tile queue of the job is not there, asking again',
      );
    this.#isRetrying = true;
    setTimeout(() => {
      this.#isRetrying = false;
      if (!this.#isClosed) this.#events.onChange();
    }, delayMs).unref();
  }
}
