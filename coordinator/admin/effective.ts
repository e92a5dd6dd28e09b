/**
 * What is in force now for one job or node: what its submitter or its agent said, and over it what an admin has set.
 * Pure, and cheap enough to be asked for all of them at every change.
 */
import type { JobSchedule } from '#shared/domain/schedule.js';
import type { JobControl, NodeSettings } from './settings.js';

export interface EffectiveJob {
  /** 0 to 100 within its studio; a job that has waited long counts as higher (ageing is the scheduler's). */
  readonly priority: number;
  readonly isPaused: boolean;
  /** Absent: nodes of any pool, or of none. */
  readonly pool?: string;
  /** 0: no limit. */
  readonly maxSlots: number;
  /** It waits for no other job any more, its preview included. */
  readonly ignoresAfter: boolean;
}

/** @param control `settings.jobs.get(jobId)` */
export function effectiveJob(schedule: JobSchedule, control: JobControl | undefined): EffectiveJob {
  const pool = control?.pool ?? schedule.needs.pool ?? '';
  return {
    priority: control?.priority ?? schedule.priority,
    isPaused: control?.isPaused ?? schedule.isPaused,
    ...(pool !== '' && { pool }),
    maxSlots: control?.maxSlots ?? schedule.maxSlots,
    ignoresAfter: control?.ignoresAfter ?? false,
  };
}

/** What an agent says of its node in a heartbeat, as far as an admin may set it. */
export interface AnnouncedNode {
  readonly pools?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly draining?: boolean | undefined;
}

export interface EffectiveNode {
  readonly pools: readonly string[];
  readonly tags: readonly string[];
  /** By an admin, or by itself: an agent that is about to leave cannot be made to take work again. */
  readonly isDraining: boolean;
}

const NONE: readonly string[] = [];

/** @param settings `settings.nodes.get(nodeId)` */
export function effectiveNode(announced: AnnouncedNode, settings: NodeSettings | undefined): EffectiveNode {
  return {
    pools: settings?.pools ?? announced.pools ?? NONE,
    tags: settings?.tags ?? announced.tags ?? NONE,
    isDraining: (settings?.isDrained ?? false) || (announced.draining ?? false),
  };
}
