/** What admins have set, as it is in force: a fold over the journal. Data only. */
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';
import type { LicencePolicy, StudioPolicy } from '../scheduling/farm-model.js';

/** How many slots a pool should have (scheduling/scale-advice.ts). */
export interface PoolPolicy {
  /** In which the backlog should be rendered. */
  readonly targetWaitMs: number;
  readonly minSlots: number;
  /** 0: no limit. */
  readonly maxSlots: number;
  /** Slots above what is needed are kept so long. */
  readonly idleMs: number;
}

/** Absent: as the node says itself. */
export interface NodeSettings {
  readonly isDrained?: boolean;
  readonly tags?: readonly string[];
  readonly pools?: readonly string[];
}

/** Absent: as the job was submitted. */
export interface JobControl {
  readonly priority?: number;
  readonly isPaused?: boolean;
  /** Empty: any. */
  readonly pool?: string;
  readonly ignoresAfter?: boolean;
  readonly maxSlots?: number;
}

export interface AdminSettings {
  readonly studios: ReadonlyMap<Studio, StudioPolicy>;
  readonly pools: ReadonlyMap<string, PoolPolicy>;
  /** As configured; reports of licence servers come on top (licence-reports.ts). */
  readonly licences: ReadonlyMap<string, LicencePolicy>;
  readonly nodes: ReadonlyMap<NodeId, NodeSettings>;
  readonly jobs: ReadonlyMap<JobId, JobControl>;
}

export const POOL_DEFAULT: PoolPolicy = { targetWaitMs: 600_000, minSlots: 0, maxSlots: 0, idleMs: 600_000 };
