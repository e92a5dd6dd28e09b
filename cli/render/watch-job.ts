/** A job's events until it ends; a broken stream is taken up again after the last event that was seen. */
import { FarmError } from '#shared/errors.js';
import type { CoordinatorClient } from '#shared/wire/coordinator-client.js';
import type { JobEvent__Output } from '#shared/wire/generated/guian/v1/JobEvent.js';
import { fromServiceError } from '#shared/wire/status.js';
import { pause } from '../process/pause.js';

/** A coordinator that restarts is back in seconds; one that moves to another machine may take this long. */
const GIVE_UP_AFTER_MS = 120_000;
const RETRY_DELAY_MS = 500;

export interface WatchFrom {
  /** Default 0: from the first event on. */
  readonly afterSequence?: number;
  /** Ends behind the last event that there is, whether or not the job goes on. */
  readonly keptOnly?: boolean;
}

/** @throws COORDINATOR_UNAVAILABLE after two minutes without it; JOB_NOT_FOUND; the signal's reason. */
export async function* watchJob(
  farm: CoordinatorClient,
  jobId: string,
  signal: AbortSignal,
  { afterSequence = 0, keptOnly = false }: WatchFrom = {},
): AsyncGenerator<JobEvent__Output> {
  let lastSequence = afterSequence;
  let heardAtMs = Date.now();
  for (;;) {
    // An abort that came before the listener below would never reach it.
    signal.throwIfAborted();
    const stream = farm.jobs.watch({ jobId, afterSequence: lastSequence, keptOnly });
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const item of stream) {
        const event = item as JobEvent__Output;
        heardAtMs = Date.now();
        if (event.sequence > 0) lastSequence = event.sequence;
        yield event;
      }
      return;
    } catch (cause) {
      signal.throwIfAborted();
      const error = cause instanceof FarmError ? cause : fromServiceError(cause, farm.address);
      if (error.code !== 'COORDINATOR_UNAVAILABLE' || Date.now() - heardAtMs > GIVE_UP_AFTER_MS) throw error;
      await pause(RETRY_DELAY_MS, signal);
    } finally {
      signal.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }
}
