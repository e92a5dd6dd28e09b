import { describe, expect, it } from 'vitest';
import { JOB_STATES } from '../domain/job.js';
import { InvariantError } from '../invariant.js';
import { FRAME_EVENTS, FRAME_STATES, FRAME_TRANSITIONS, nextFrameState } from './frame-state.js';
import { JOB_EVENTS, JOB_TRANSITIONS, nextJobState } from './job-state.js';
import { nextTileState, TILE_EVENTS, TILE_STATES, TILE_TRANSITIONS } from './tile-state.js';

interface Machine {
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly table: Readonly<Record<string, Readonly<Record<string, string>>>>;
  next(state: string, event: string): string;
}

const MACHINES: Record<string, Machine> = {
  tile: { states: TILE_STATES, events: TILE_EVENTS, table: TILE_TRANSITIONS, next: nextTileState as never },
  frame: {
    states: FRAME_STATES,
    events: FRAME_EVENTS,
    table: FRAME_TRANSITIONS,
    next: nextFrameState as never,
  },
  job: { states: JOB_STATES, events: JOB_EVENTS, table: JOB_TRANSITIONS, next: nextJobState as never },
};

describe.each(Object.entries(MACHINES))('the %s state machine', (_name, machine) => {
  it('answers every pair of state and event by its table, and refuses those that are not in it', () => {
    for (const state of machine.states) {
      for (const event of machine.events) {
        const wanted = machine.table[state]?.[event];
        if (wanted === undefined) expect(() => machine.next(state, event)).toThrow(InvariantError);
        else expect(machine.next(state, event)).toBe(wanted);
      }
    }
  });

  it('has an event for every row, and reaches every state from its first one', () => {
    const reached = new Set([machine.states[0]]);
    for (let size = 0; size < reached.size; ) {
      size = reached.size;
      for (const state of reached)
        for (const next of Object.values(machine.table[state!]!)) reached.add(next);
    }
    expect([...reached].sort()).toEqual([...machine.states].sort());
  });
});
