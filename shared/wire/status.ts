/** FarmError ↔ gRPC status. The code itself travels in the metadata, so that a client branches on it as the server did. */
import * as grpc from '@grpc/grpc-js';
import { ERROR_CODES, type ErrorCode, FarmError, messageOf } from '../errors.js';

const CODE_KEY = 'guian-error-code';

/** What a handler answers for whatever was thrown. Unknown errors become INTERNAL. */
export function toStatus(error: unknown): Partial<grpc.StatusObject> {
  if (!(error instanceof FarmError)) return { code: grpc.status.INTERNAL, details: messageOf(error) };
  const metadata = new grpc.Metadata();
  metadata.set(CODE_KEY, error.code);
  return { code: grpc.status[ERROR_CODES[error.code].status], details: error.message, metadata };
}

/** What a client throws for a failed call: the farm's own code where the server sent one. */
export function fromServiceError(error: unknown, address: string): FarmError {
  const failure = error as grpc.ServiceError;
  const code = failure.metadata?.get(CODE_KEY)[0];
  if (typeof code === 'string' && code in ERROR_CODES) {
    return new FarmError(code as ErrorCode, failure.details, {}, { cause: error });
  }
  if (failure.code === grpc.status.UNAVAILABLE || failure.code === grpc.status.DEADLINE_EXCEEDED) {
    return new FarmError(
      'COORDINATOR_UNAVAILABLE',
      `no coordinator answers at ${address}; start one with "guian up", or name another with --coordinator`,
      { address },
      { cause: error },
    );
  }
  return new FarmError(
    'COORDINATOR_UNAVAILABLE',
    `the coordinator at ${address} answered: ${messageOf(error)}`,
    { address },
    { cause: error },
  );
}
