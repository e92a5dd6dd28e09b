/** Who may take tiles of which job, as of one look at the nodes: ready, with the job's renderer, not blocked for it. */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { type RendererSet, rendererSet } from '../scheduling/renderer-versions.js';
import type { KnownNode } from './nodes.js';

export interface Workers {
  /** @param needs key of the job's renderer; nothing: not decided yet, so that nobody may. */
  of(jobId: JobId, needs: string | undefined): readonly NodeId[];
  /** Of every node that is listed. */
  readonly renderersOf: ReadonlyMap<NodeId, RendererSet>;
  /** Every node has the same renderers. */
  readonly areAllAlike: boolean;
}

/**
 * Few nodes are blocked for few jobs, and all other jobs with one renderer share one list: one per job took seconds on a
 * large farm.
 */
export function findWorkers(nodes: readonly KnownNode[]): Workers {
  const renderersOf = new Map(
    nodes.map(({ heartbeat }) => [heartbeat.nodeId, rendererSet(heartbeat.renderers)]),
  );
  const ready = nodes.filter(({ state, heartbeat }) => state === 'ready' && heartbeat.slots > 0);
  const blocked = new Map<JobId, Set<NodeId>>();
  for (const { heartbeat, standing } of ready)
    for (const { jobId } of standing.blocks)
      blocked.set(jobId, (blocked.get(jobId) ?? new Set()).add(heartbeat.nodeId));
  const byRenderer = new Map<string, readonly NodeId[]>();
  const unblocked = new Map<JobId, readonly NodeId[]>();

  const withRenderer = (needs: string): readonly NodeId[] => {
    let known = byRenderer.get(needs);
    if (!known) {
      known = ready.flatMap(({ heartbeat: { nodeId } }) =>
        renderersOf.get(nodeId)!.keys.has(needs) ? [nodeId] : [],
      );
      byRenderer.set(needs, known);
    }
    return known;
  };

  return {
    renderersOf,
    areAllAlike: new Set([...renderersOf.values()].map(({ text }) => text)).size <= 1,
    of(jobId, needs) {
      if (needs === undefined) return [];
      const exceptions = blocked.get(jobId);
      if (!exceptions) return withRenderer(needs);
      let known = unblocked.get(jobId);
      if (!known) {
        known = withRenderer(needs).filter((nodeId) => !exceptions.has(nodeId));
        unblocked.set(jobId, known);
      }
      return known;
    },
  };
}
