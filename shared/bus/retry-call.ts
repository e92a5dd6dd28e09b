/**
 * Every call to the bus may hang for its whole timeout when the server goes away (measured), and every call of ours is
 * idempotent (same message id, same configuration), so it is made again until it works or the caller gives up.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { InvalidArgumentError, NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { FarmError, messageOf } from '../errors.js';

const FIRST_DELAY_MS = 50;
const DELAY_MS_MAX = 1_000;
/** A server that starts is through with it sooner; a stream that was lost is made again within half of it, unless nobody is there to. */
const NOBODY_MS_MAX = 60_000;
const NO_ROOM: ReadonlySet<number> = new Set([10023, 10047, 10028, 10002, 10077]);

/** Answers of the server that another try will not change. 503 is "JetStream is not ready". */
function isFinal(error: unknown): boolean {
  if (error instanceof JetStreamApiError)
    return isSubjectTaken(error) || (error.status !== 503 && !isStorageFull(error));
  if (error instanceof JetStreamError) return false;
  if (error instanceof InvalidArgumentError) return true;
  return !(error instanceof TimeoutError || error instanceof RequestError || isConnectionTrouble(error));
}

/**
 * Nobody listens: JetStream of a server that starts does not do so yet, and to a stream that was lost nobody does until
 * it is made again. The client's error for both says that JetStream is not enabled; it is none of its other errors, and its
 * class is not exported.
 */
export const isNobodyThere = (error: unknown): boolean =>
  error instanceof NoRespondersError || (error instanceof Error && error.name === 'JetStreamNotEnabled');

/**
 * The queue holds a message of this subject already (`discard_new_per_subject`). The server gives it the status and code
 * of a store that failed (503, 10077), so that only the text tells it from a full disk.
 */
export function isSubjectTaken(error: unknown): boolean {
  return error instanceof JetStreamApiError && /maximum messages per subject/.test(error.message);
}

/**
 * The server, or this farm's account on it, has no room for more: messages are taken again once there is some.
 * Codes of nats-server's errors.json: insufficient resources, storage, memory; limits of the account; a store that failed.
 */
export function isStorageFull(error: unknown): error is JetStreamApiError {
  return error instanceof JetStreamApiError && NO_ROOM.has(error.code) && !isSubjectTaken(error);
}

function isConnectionTrouble(error: unknown): boolean {
  return (
    error instanceof Error &&
    /connection|disconnect|timeout|no responders|draining/i.test(`${error.name} ${error.message}`)
  );
}

/**
 * @param what for the error message, e.g. `publish tile valley-x 3/17`.
 * @throws the server's own refusal at once, and after a minute that no stream is there; BUS_UNAVAILABLE when `signal` aborts before a call works.
 */
export async function retryCall<T>(what: string, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const startMs = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const isLasting = isNobodyThere(error) ? performance.now() - startMs > NOBODY_MS_MAX : isFinal(error);
      if (isLasting) throw error;
      if (signal?.aborted)
        throw new FarmError(
          'BUS_UNAVAILABLE',
          `${what}: gave up (${messageOf(error)})`,
          {},
          { cause: error },
        );
      const delayMs = Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
      await delay(delayMs, undefined, signal ? { signal } : undefined).catch(() => undefined);
    }
  }
}
