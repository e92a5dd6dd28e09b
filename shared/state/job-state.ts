/**
 * A job: queued → running (a node works for it) → finished, finished_with_failures or cancelled. A retry of its failed
 * frames takes it back from finished_with_failures to running.
 */
import type { JobState } from '../domain/job.js';
import { type TransitionTable, transition } from './transition.js';

export const JOB_EVENTS = [
  'work_seen',
  'all_frames_finished',
  'all_frames_ended',
  'cancel_requested',
  'retry_requested',
] as const;
export type JobEventName = (typeof JOB_EVENTS)[number];

/** A queued job can end at once: a coordinator may stop between recording the last frame and recording the end. */
export const JOB_TRANSITIONS = {
  queued: {
    work_seen: 'running',
    all_frames_finished: 'finished',
    all_frames_ended: 'finished_with_failures',
    cancel_requested: 'cancelled',
  },
  running: {
    work_seen: 'running',
    all_frames_finished: 'finished',
    all_frames_ended: 'finished_with_failures',
    cancel_requested: 'cancelled',
    retry_requested: 'running',
  },
  finished: {},
  finished_with_failures: { retry_requested: 'running' },
  cancelled: {},
} as const satisfies TransitionTable<JobState, JobEventName>;

export function nextJobState(state: JobState, event: JobEventName): JobState {
  return transition('job', JOB_TRANSITIONS as TransitionTable<JobState, JobEventName>, state, event);
}

export type TerminalJobState = Extract<JobState, 'finished' | 'finished_with_failures' | 'cancelled'>;

export function isJobEnded(state: JobState): state is TerminalJobState {
  return state === 'finished' || state === 'finished_with_failures' || state === 'cancelled';
}
