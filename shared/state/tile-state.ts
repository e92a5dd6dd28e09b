/**
 * A tile: planned (to be put into the queue) → queued (in the stream or at a node) → done, or failed after its last
 * attempt. It is queued as long as one of its attempts is. A result may arrive for a tile that this coordinator has not queued yet: after a restart, results come first.
 */
import { type TransitionTable, transition } from './transition.js';

export const TILE_STATES = ['planned', 'queued', 'done', 'failed', 'cancelled'] as const;
export type TileState = (typeof TILE_STATES)[number];
export const TILE_EVENTS = [
  'fed',
  'result_placed',
  'result_unusable',
  'attempt_failed',
  'attempts_exhausted',
  'found_missing',
  'to_be_verified',
  'isolated',
  'job_cancelled',
  'retry_requested',
] as const;
export type TileEvent = (typeof TILE_EVENTS)[number];

export const TILE_TRANSITIONS = {
  planned: {
    fed: 'queued',
    result_placed: 'done',
    attempt_failed: 'planned',
    // After a restart the first of two results comes before the tile is queued.
    to_be_verified: 'planned',
    attempts_exhausted: 'failed',
    job_cancelled: 'cancelled',
  },
  queued: {
    result_placed: 'done',
    attempt_failed: 'planned',
    attempts_exhausted: 'failed',
    found_missing: 'planned',
    // It has a result that counts once another node has given the same pixels.
    to_be_verified: 'planned',
    // Agents ended while they rendered it: it waits until no other such tile is out.
    isolated: 'planned',
    job_cancelled: 'cancelled',
  },
  // The stitcher could not use it: the attempt is about to be reported as failed, as one of a node would be.
  done: { result_unusable: 'queued' },
  failed: { retry_requested: 'planned' },
  cancelled: {},
} as const satisfies TransitionTable<TileState, TileEvent>;

export function nextTileState(state: TileState, event: TileEvent): TileState {
  return transition('tile', TILE_TRANSITIONS as TransitionTable<TileState, TileEvent>, state, event);
}
