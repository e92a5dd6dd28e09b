/** What the scheduler can be asked by those who look at the farm (gRPC, metrics). */
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';

export const WAIT_KINDS = [
  'paused',
  'start_time',
  'dependency',
  'renderer',
  'pool',
  'tags',
  'cores',
  'memory',
  'gpu',
  'node_state',
  'blocked',
  'licence',
  'studio_max',
  'job_max',
  'share',
  'all_out',
  'no_node',
] as const;

/** One thing that a job waits for, or that keeps a node from working for it. */
export interface Wait {
  readonly kind: (typeof WAIT_KINDS)[number];
  /** One line for people: what, the number that would change it, and how. */
  readonly message: string;
  /** What there is: tokens in use, the job's slots, memory of the largest node. */
  readonly have?: number;
  /** What would be needed. */
  readonly need?: number;
  /** Whom it concerns: a licence, pool, tag, job or node. */
  readonly subject?: string;
}

export interface NodeSlots {
  readonly jobId: JobId;
  readonly slots: number;
}

export interface SchedulerView {
  /** Slots of nodes that work for the job now. */
  slotsOf(jobId: JobId): number;
  /** Strongest first; empty: it has all that it can use. */
  whyJob(jobId: JobId): {
    readonly slots: number;
    readonly slotsWanted: number;
    readonly waits: readonly Wait[];
  };
  /** Every running job, with what keeps this node from working for it. */
  whyNode(nodeId: NodeId): readonly (NodeSlots & { readonly waits: readonly Wait[] })[];
  assignedTo(nodeId: NodeId): readonly NodeSlots[];
  /** Of studios that have running jobs. */
  studios(): readonly {
    readonly studio: Studio;
    readonly slots: number;
    readonly slotsWanted: number;
    readonly jobs: number;
  }[];
  /** Tokens that nodes hold, those included that may still render although they have been told to stop. */
  licencesInUse(): ReadonlyMap<string, number>;
  /** Nothing: the coordinator has just started, and does not know yet which nodes there are. */
  scaleAdvice(): readonly PoolAdvice[] | undefined;
  /** Resolves when that is known, some seconds after a start. @throws COORDINATOR_UNAVAILABLE when it stops before. */
  nodesKnown(): Promise<void>;
}

export interface PoolAdvice {
  /** Empty: jobs that ask for no pool, and nodes that are in none. */
  readonly pool: string;
  readonly slots: number;
  readonly slotsWanted: number;
  /** What is left to render, as far as known. */
  readonly backlogCoreSeconds: number;
  readonly reason: string;
}
