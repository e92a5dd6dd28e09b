/** What all services share: errors become statuses, streams respect the reader's pace and end with their caller. */
import { once } from 'node:events';
import type * as grpc from '@grpc/grpc-js';
import { FarmError } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { toStatus } from '#shared/wire/status.js';

/** An async function as a unary handler. */
export function unary<Request, Response>(
  log: Logger,
  handle: (request: Request) => Promise<Response> | Response,
): grpc.handleUnaryCall<Request, Response> {
  return (call, done) => {
    Promise.resolve()
      .then(() => handle(call.request))
      .then(
        (response) => done(null, response),
        (error: unknown) => done(toStatusLogged(log, call.getPath(), error)),
      );
  };
}

/** Hands one message to the reader; resolves when there is room for the next. Rejects when the caller has gone. */
export type Send<Response> = (message: Response) => Promise<void>;

/** An async function as a server stream. `signal` aborts when the caller cancels or goes away. */
export function serverStream<Request, Response>(
  log: Logger,
  handle: (request: Request, send: Send<Response>, signal: AbortSignal) => Promise<void>,
): grpc.handleServerStreamingCall<Request, Response> {
  return (call) => {
    const gone = new AbortController();
    call.on('cancelled', () => gone.abort());
    call.on('close', () => gone.abort());
    const send: Send<Response> = async (message) => {
      gone.signal.throwIfAborted();
      if (!call.write(message)) await once(call, 'drain', { signal: gone.signal });
    };
    handle(call.request, send, gone.signal).then(
      () => call.end(),
      (error: unknown) => {
        // The transport sends the status on this event; destroying the stream would send nothing.
        if (!gone.signal.aborted) call.emit('error', toStatusLogged(log, call.getPath(), error));
      },
    );
  };
}

/** Whatever is no FarmError is a defect or a broken disk: someone must look. */
export function toStatusLogged(log: Logger, method: string, error: unknown): Partial<grpc.StatusObject> {
  if (!(error instanceof FarmError)) log.error({ method, err: error }, 'call failed');
  else log.debug({ method, code: error.code, reason: error.message }, 'call refused');
  return toStatus(withoutPath(error));
}

/** Where the server keeps its files is no caller's business; the log has it. */
function withoutPath(error: unknown): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || path === undefined) return error;
  return new Error(`${code} (${syscall}) in the store of the coordinator; its log names the file`);
}
