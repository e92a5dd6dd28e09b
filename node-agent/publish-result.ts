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
    () => bus.publisher.publish(subject, bytes, { msgID, headers: header }),
    signal,
  );
}
