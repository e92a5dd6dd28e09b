/** JetStream has lost a stream: nothing is left of what was to be changed there; reconcile.ts makes the streams again. */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { isNobodyThere } from '#shared/bus/retry-call.js';

export function isStreamLost(error: unknown): boolean {
  return (
    isNobodyThere(error) ||
    (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
  );
}
