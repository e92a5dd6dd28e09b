/**
 * A frame: waiting → rendering (a tile of it is queued or done) → stitching → finished; or failed with its first failed
 * tile, until somebody asks for it again.
 */
import { type TransitionTable, transition } from './transition.js';

export const FRAME_STATES = ['waiting', 'rendering', 'stitching', 'finished', 'failed', 'cancelled'] as const;
export type FrameState = (typeof FRAME_STATES)[number];
export const FRAME_EVENTS = [
  'tile_moved',
  'tiles_complete',
  'tile_unusable',
  'tile_failed',
  'recorded',
  'stitch_failed',
  'job_cancelled',
  'retry_requested',
] as const;
export type FrameEvent = (typeof FRAME_EVENTS)[number];

export const FRAME_TRANSITIONS = {
  waiting: { tile_moved: 'rendering', job_cancelled: 'cancelled' },
  rendering: {
    tile_moved: 'rendering',
    tiles_complete: 'stitching',
    tile_failed: 'failed',
    job_cancelled: 'cancelled',
  },
  stitching: {
    recorded: 'finished',
    tile_unusable: 'rendering',
    stitch_failed: 'failed',
    job_cancelled: 'cancelled',
  },
  finished: {},
  failed: { retry_requested: 'waiting' },
  cancelled: {},
} as const satisfies TransitionTable<FrameState, FrameEvent>;

export function nextFrameState(state: FrameState, event: FrameEvent): FrameState {
  return transition('frame', FRAME_TRANSITIONS as TransitionTable<FrameState, FrameEvent>, state, event);
}

/** Whether nothing will happen to it any more by itself. */
export function isFrameEnded(state: FrameState): boolean {
  return state === 'finished' || state === 'failed' || state === 'cancelled';
}
