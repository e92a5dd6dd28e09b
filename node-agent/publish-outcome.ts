/** How a tile ended in its slot → what the coordinator is told of it, until the RESULTS stream has it. */
import type { Bus } from '#shared/bus/connect.js';
import type { TileMessage } from '#shared/bus/messages.js';
import { digestSchema, type NodeId } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';
import { publishResult } from './publish-result.js';
import type { RenderOutcome } from './render-pool.js';
import { residentBytes } from './resident-memory.js';

export type Ended = Exclude<RenderOutcome, { kind: 'cancelled' }>;

/** @throws what publishResult throws. */
export function publishOutcome(
  bus: Bus,
  nodeId: NodeId,
  tile: TileMessage,
  outcome: Ended,
  signal: AbortSignal,
): Promise<void> {
  const { jobId, planId, frame, tile: index, attempt } = tile;
  const summary = {
    ...{ jobId, planId, frame, tile: index, attempt, nodeId, renderer: outcome.renderer },
    renderMs: outcome.renderMs,
    coreSeconds: outcome.coreSeconds,
    // The slot's own where its thread could tell, else the process's.
    peakMemoryBytes: outcome.peakMemoryBytes ?? residentBytes(),
    outcome: summaryOf(outcome),
  };
  return publishResult(bus, summary, outcome.kind === 'rendered' ? outcome.bytes : undefined, signal);
}

function summaryOf(outcome: Ended) {
  if (outcome.kind === 'rendered') {
    return {
      kind: 'rendered' as const,
      digest: digestSchema.parse(outcome.digest),
      sizeBytes: outcome.bytes.length,
    };
  }
  return {
    kind: 'failed' as const,
    code: outcome.code.slice(0, 64),
    message: outcome.message.slice(0, LIMITS.logTailCharsMax),
    logTail: outcome.logTail.slice(-LIMITS.logTailCharsMax),
    permanent: outcome.permanent,
  };
}
