/**
 * Which slots of which nodes work for which job: every active job gets an equal part of every node that has its renderer.
 * A pure function.
 */
import type { Assignment } from '#shared/bus/messages.js';
import type { JobId, NodeId, PlanId } from '#shared/domain/ids.js';
import type { RendererSet } from './renderer-versions.js';

export interface FarmNode {
  readonly nodeId: NodeId;
  readonly slots: number;
  /** A lost one may merely be slow, and is treated as if it were there. */
  readonly state: 'ready' | 'draining' | 'quarantined' | 'lost';
  /** Jobs of which it gets no tiles. */
  readonly blockedJobs: ReadonlySet<JobId>;
  /** Jobs of the assignment that it has. */
  readonly assignedJobs: ReadonlySet<JobId>;
  /** What it can render; absent: no job that needs a renderer. */
  readonly renderers?: RendererSet;
}

export interface FarmJob {
  readonly jobId: JobId;
  readonly planId: PlanId;
  /** Key of the renderer that a node must have for it (renderer-versions.ts); absent: any node will do. */
  readonly needs?: string;
}

export interface FarmSnapshot {
  readonly nodes: readonly FarmNode[];
  /** Jobs that have not ended, oldest first. */
  readonly jobs: readonly FarmJob[];
}

/**
 * @returns one assignment per node. A node with fewer slots than there are jobs still takes tiles of each of them (one
 *   slot each, in turn); what a job cannot use, the node's other jobs take. A draining node keeps what it has, without
 *   anything new: it finishes it and takes nothing more by itself. A quarantined one has none.
 */
export function allocate(farm: FarmSnapshot): ReadonlyMap<NodeId, Assignment> {
  const assignments = new Map<NodeId, Assignment>();
  const renderable = renderableJobs(farm.jobs);
  for (const node of farm.nodes) {
    const jobs = jobsFor(node, renderable(node.renderers));
    const share = Math.floor(node.slots / Math.max(1, jobs.length));
    const rest = node.slots - share * jobs.length;
    assignments.set(node.nodeId, {
      jobs: jobs.map(({ jobId, planId }, index) => ({
        jobId,
        planId,
        // The oldest jobs get what does not divide.
        slots: Math.max(1, share + (index < rest ? 1 : 0)),
      })),
    });
  }
  return assignments;
}

/** What nodes can render, oldest first: looked at once for all nodes that have the same renderers. */
function renderableJobs(
  jobs: readonly FarmJob[],
): (renderers: RendererSet | undefined) => readonly FarmJob[] {
  const known = new Map<string | undefined, readonly FarmJob[]>();
  return (renderers) => {
    let found = known.get(renderers?.text);
    if (!found) {
      found = jobs.filter(({ needs }) => needs === undefined || renderers?.keys.has(needs));
      known.set(renderers?.text, found);
    }
    return found;
  };
}

function jobsFor(node: FarmNode, jobs: readonly FarmJob[]): readonly FarmJob[] {
  if (node.slots === 0) return [];
  const { state, blockedJobs, assignedJobs } = node;
  switch (state) {
    case 'quarantined':
      return [];
    case 'draining':
      return jobs.filter(({ jobId }) => assignedJobs.has(jobId));
    case 'ready':
    case 'lost':
      return blockedJobs.size === 0 ? jobs : jobs.filter(({ jobId }) => !blockedJobs.has(jobId));
    default:
      throw state satisfies never;
  }
}
