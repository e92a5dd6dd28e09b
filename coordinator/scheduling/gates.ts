/** Whether a job may run at all now, from what it was submitted with, what admins have set, and how other jobs stand. */
import type { JobId } from '#shared/domain/ids.js';
import type { JobState } from '#shared/domain/job.js';
import type { JobSchedule } from '#shared/domain/schedule.js';
import { isJobEnded } from '#shared/state/job-state.js';
import type { Gate } from './farm-model.js';

export interface GatedJob {
  readonly schedule: Pick<JobSchedule, 'after' | 'afterFrames' | 'startAtMs' | 'previewJobId'>;
  /** In force now, as admin/effective.ts says it. */
  readonly isPaused: boolean;
  /** It waits for no other job any more, its preview included. */
  readonly ignoresAfter: boolean;
  /** Of other jobs; nothing: there is no such job. */
  stateOf(jobId: JobId): JobState | undefined;
  /** Asked of a job with `afterFrames` alone: whether one of its open frames waits for no other job. */
  hasFreeFrame(): boolean;
}

export interface GateNow {
  /** Absent: it may run. */
  readonly gate: Gate | undefined;
  /** When time alone opens it; absent: something else has to happen. */
  readonly changesAtMs: number | undefined;
}

/**
 * Of several gates the one that someone must open comes first: a pause, then another job that will never finish; what
 * opens by itself (a time, a job that runs) comes last. A preview holds its job back until it has ended in whatever way.
 */
export function gateNow(job: GatedJob, nowMs: number): GateNow {
  if (job.isPaused) return { gate: { kind: 'paused' }, changesAtMs: undefined };
  const other = job.ignoresAfter ? undefined : (dependencyOf(job) ?? previewOf(job));
  if (other?.isHopeless) return { gate: other, changesAtMs: undefined };
  const { startAtMs } = job.schedule;
  if (nowMs < startAtMs) return { gate: { kind: 'start_time', startAtMs }, changesAtMs: startAtMs };
  return { gate: other, changesAtMs: undefined };
}

type Dependency = Extract<Gate, { kind: 'dependency' }>;

/** The first job that it waits for, one that will never finish before all others. */
function dependencyOf(job: GatedJob): Dependency | undefined {
  const { after, afterFrames } = job.schedule;
  let waiting: JobId | undefined;
  let hopeless: JobId | undefined;
  for (const jobId of after) {
    const state = job.stateOf(jobId);
    if (state === 'finished') continue;
    if (state !== undefined && !isJobEnded(state)) waiting ??= jobId;
    else hopeless ??= jobId;
  }
  const jobId = hopeless ?? waiting;
  // Frame by frame: what is free runs.
  if (jobId === undefined || (afterFrames && job.hasFreeFrame())) return undefined;
  return { kind: 'dependency', jobId, isHopeless: hopeless !== undefined };
}

function previewOf(job: GatedJob): Dependency | undefined {
  const { previewJobId } = job.schedule;
  if (previewJobId === undefined) return undefined;
  const state = job.stateOf(previewJobId);
  const isOver = state === undefined || isJobEnded(state);
  return isOver ? undefined : { kind: 'dependency', jobId: previewJobId, isHopeless: false };
}
