/**
 * Publishes to streams and waits for each acknowledgement, many at a time. The client's own `js.publish` does the same
 * through a general request, which makes two errors with their stack traces, a timer and two promises per message: with
 * short tiles that was a third of the coordinator's time (measured). Here all publishes share one subscription and one timer.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NoRespondersError,
  headers as newHeaders,
  TimeoutError,
} from '@nats-io/transport-node';
import { isStorageFull } from './retry-call.js';

export interface PublishOptions {
  /** De-duplication id. */
  readonly msgID?: string;
  /** Are changed when there is a `msgID`. */
  readonly headers?: MsgHdrs;
}

/** Publishes do not get through: the server has no room, or does not answer. */
export interface PublishTrouble {
  /** For people. */
  readonly reason: string;
  /** Times of `performance.now()`. */
  readonly sinceMs: number;
  readonly lastAtMs: number;
}

interface Waiting {
  readonly subject: string;
  readonly givenUpAtMs: number;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: Error) => void;
}

const MSG_ID_HEADER = 'Nats-Msg-Id';
/** How exact timeouts are. */
const LOOK_EVERY_MS = 100;
/** Whoever is refused asks again within a second (retry-call.ts), and is answered or given up within 1.5 s. */
const TROUBLE_OVER_AFTER_MS = 3_000;
const decoder = new TextDecoder();

export class StreamPublisher {
  readonly #connection: NatsConnection;
  readonly #timeoutMs: number;
  readonly #inbox: string;
  /** By token; oldest first, so also the first to be given up. */
  readonly #waiting = new Map<string, Waiting>();
  #nextToken = 0;
  #timer: NodeJS.Timeout | undefined;
  #trouble: PublishTrouble | undefined;
  #isFull = false;

  constructor(connection: NatsConnection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#inbox = `${createInbox()}.`;
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        // The subscription itself has failed (the connection closes): whoever waits is told by the timer.
        if (!error) this.#answered(message);
      },
    });
  }

  /**
   * Resolves when the stream has the message, with its sequence there.
   * @throws the server's refusal (JetStreamApiError); NoRespondersError; TimeoutError.
   */
  publish(subject: string, data: Uint8Array, { msgID, headers }: PublishOptions = {}): Promise<number> {
    let allHeaders = headers;
    if (msgID !== undefined) {
      allHeaders ??= newHeaders();
      allHeaders.set(MSG_ID_HEADER, msgID);
    }
    return new Promise((resolve, reject) => {
      const token = (this.#nextToken++).toString(36);
      this.#connection.publish(subject, data, {
        reply: this.#inbox + token,
        ...(allHeaders !== undefined && { headers: allHeaders }),
      });
      const givenUpAtMs = performance.now() + this.#timeoutMs;
      this.#waiting.set(token, { subject, givenUpAtMs, resolve, reject });
      this.#timer ??= setTimeout(() => this.#giveUp(), LOOK_EVERY_MS);
    });
  }

  /** What keeps publishes from getting through now. */
  get trouble(): PublishTrouble | undefined {
    const { lastAtMs } = this.#trouble ?? { lastAtMs: 0 };
    if (performance.now() - lastAtMs > TROUBLE_OVER_AFTER_MS) this.#trouble = undefined;
    return this.#trouble;
  }

  #note(reason: string, isFull: boolean): void {
    const nowMs = performance.now();
    this.#trouble = { reason, sinceMs: this.trouble?.sinceMs ?? nowMs, lastAtMs: nowMs };
    this.#isFull = isFull;
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length);
    const waiting = this.#waiting.get(token);
    // Given up: it has been, or is being, published again under the same id.
    if (!waiting) return;
    this.#waiting.delete(token);
    try {
      waiting.resolve(sequenceOf(message, waiting.subject));
      // A small message may find room where a large one does not.
      if (!this.#isFull) this.#trouble = undefined;
    } catch (error) {
      if (isStorageFull(error)) this.#note(`the NATS server takes no more messages: ${error.message}`, true);
      else if (error instanceof NoRespondersError)
        this.#note('the NATS server has no stream for them', false);
      waiting.reject(error as Error);
    }
  }

  #giveUp(): void {
    const nowMs = performance.now();
    for (const [token, { givenUpAtMs, reject }] of this.#waiting) {
      if (givenUpAtMs > nowMs) break;
      this.#waiting.delete(token);
      this.#note('the NATS server does not answer', false);
      reject(new TimeoutError());
    }
    this.#timer = this.#waiting.size > 0 ? setTimeout(() => this.#giveUp(), LOOK_EVERY_MS) : undefined;
  }
}

/** @throws the server's refusal. */
function sequenceOf(message: Msg, subject: string): number {
  if (message.data.length === 0 && message.headers?.code === 503) throw new NoRespondersError(subject);
  const answer = JSON.parse(decoder.decode(message.data)) as {
    error?: ConstructorParameters<typeof JetStreamApiError>[0];
    seq?: number;
  };
  if (answer.error) throw new JetStreamApiError(answer.error);
  return answer.seq ?? 0;
}
