/** How an attempt ended → parts on the RESULTS stream, each published until the stream has it. */
import { headers } from '@nats-io/transport-node';
import type { Bus } from '#shared/bus/connect.js';
import { RESULT_HEADER, type ResultMeta } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { LIMITS } from '#shared/limits.js';

export type ResultSummary = Omit<ResultMeta, 'part' | 'partCount'>;

const EMPTY = new Uint8Array(0);

/**
 * Resolves when the stream holds every part. De-duplication id of a part:
 * `<planId>.<jobId>.<frame>.<tile>.<attempt>.<nodeId>.<part>`, so that each may be sent as often as it takes.
 * @param body  the encoded tile; empty for a failure.
 * @throws the server's refusal; BUS_UNAVAILABLE when `signal` aborts first.
 */
export async function publishResult(
  bus: Bus,
  summary: ResultSummary,
  body: Uint8Array = EMPTY,
  signal?: AbortSignal,
): Promise<void> {
  const partCount = Math.max(1, Math.ceil(body.length / LIMITS.resultPartBytesMax));
  if (partCount === 1) return publishPart(bus, { ...summary, part: 0, partCount }, body, signal);
  await Promise.all(
    Array.from({ length: partCount }, (_, part) => {
      const start = part * LIMITS.resultPartBytesMax;
      const bytes = body.subarray(start, start + LIMITS.resultPartBytesMax);
      return publishPart(bus, { ...summary, part, partCount }, bytes, signal);
    }),
  );
}

async function publishPart(
  bus: Bus,
  meta: ResultMeta,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { planId, jobId, frame, tile, attempt, nodeId, part } = meta;
  const header = headers();
  header.set(RESULT_HEADER, JSON.stringify(meta));
  const msgID = `${planId}.${jobId}.${frame}.${tile}.${attempt}.${nodeId}.${part}`;
  const subject = bus.names.result(meta, part);
  await retryCall(
    `publish the result of tile ${jobId} ${frame}/${tile}`,
    () => withoutStackTraces(() => bus.js.publish(subject, bytes, { msgID, headers: header })),
    signal,
  );
}

/**
 * The client makes the errors of a request before it sends it, and their stack traces were a sixth of the main thread's
 * time with short tiles (measured). `retryCall` says what was being published, which is all that the trace would tell.
 */
function withoutStackTraces<T>(start: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return start();
  } finally {
    Error.stackTraceLimit = before;
  }
}
