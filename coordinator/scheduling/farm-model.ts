/** The farm as the scheduler sees it: plain data, filled by loops/assign.ts and judged by pure functions. */
import type { JobId, NodeId, PlanId, Studio } from '#shared/domain/ids.js';
import type { RendererSet } from './renderer-versions.js';

export type NodeState = 'ready' | 'draining' | 'drained' | 'quarantined' | 'lost' | 'asleep';

export interface FarmNode {
  readonly nodeId: NodeId;
  readonly state: NodeState;
  readonly slots: number;
  readonly cores: number;
  /** That tiles may use, all slots together. */
  readonly memoryBytes: number;
  readonly gpus: number;
  /** Of its smallest GPU; 0 without one. */
  readonly gpuMemoryBytes: number;
  readonly pools: ReadonlySet<string>;
  readonly tags: ReadonlySet<string>;
  /** Absent: it has not said. */
  readonly renderers?: RendererSet | undefined;
  /** Jobs of which it gets no tiles, since it failed too many. */
  readonly blockedJobs: ReadonlySet<JobId>;
  /** `FarmJob.sceneKey` of what it has at hand or rendered of late. A preference only. */
  readonly warmScenes: ReadonlySet<string>;
  /** Tiles of each job that render there, as of its last heartbeat: it keeps slots first where they are busy. A preference only. */
  readonly rendering: ReadonlyMap<JobId, number>;
}

/** Why a job may not run at all now. */
export type Gate =
  | { readonly kind: 'paused' }
  | { readonly kind: 'start_time'; readonly startAtMs: number }
  /** `jobId` has not finished, or (`isHopeless`) has failed or was cancelled. */
  | { readonly kind: 'dependency'; readonly jobId: JobId; readonly isHopeless: boolean }
  /** Its renderer's version is not decided, since no node has the renderer. */
  | { readonly kind: 'renderer'; readonly renderer: string };

export interface FarmJob {
  readonly jobId: JobId;
  readonly planId: PlanId;
  readonly studio: Studio;
  /** 0 to 100 within its studio, as in force now. */
  readonly priority: number;
  /** Among equals the older one is first. */
  readonly createdAtMs: number;
  /** Absent: it may run. */
  readonly gate?: Gate | undefined;
  /** Slots that it could fill at this moment: its open tiles that may be rendered. */
  readonly demand: number;
  /** On at least so many nodes, if they are there: some of its tiles are to be left to others by nodes that failed them. */
  readonly nodesMin: number;
  /** Key of the renderer that a node must have (renderer-versions.ts); absent: any node will do. */
  readonly renderer?: string | undefined;
  readonly pool?: string | undefined;
  readonly tags: readonly string[];
  readonly cores: number;
  /** Reserved for each of its slots: what its tiles were found to use at most, and no less than was asked for. */
  readonly slotMemoryBytes: number;
  readonly gpus: number;
  readonly gpuMemoryBytes: number;
  /** 0: no limit. */
  readonly maxSlots: number;
  readonly licences: readonly string[];
  readonly preempt: 'tile' | 'hard';
  /** Nodes with the same key at hand render its first tile sooner. */
  readonly sceneKey: string;
}

export interface StudioPolicy {
  /** Weight against other studios, above 0. */
  readonly share: number;
  /** 0: no limit. */
  readonly maxSlots: number;
}
export const STUDIO_DEFAULT: StudioPolicy = { share: 1, maxSlots: 0 };

export interface LicencePolicy {
  /** Tokens of the farm now. */
  readonly total: number;
  /** One token per slot, or one per node for all its slots (of all jobs that need it). */
  readonly per: 'slot' | 'node';
}

export interface SchedulingPolicy {
  /** Studios that are not here have `STUDIO_DEFAULT`. */
  readonly studios: ReadonlyMap<Studio, StudioPolicy>;
  /** A licence that is not here has no tokens. */
  readonly licences: ReadonlyMap<string, LicencePolicy>;
}

export interface FarmSnapshot {
  readonly nodes: readonly FarmNode[];
  readonly jobs: readonly FarmJob[];
}

/** Slots by node and job; no entry: none. */
export type Allocation = ReadonlyMap<NodeId, ReadonlyMap<JobId, number>>;
