/** A state machine is a table; this is the one function that reads it. A pair that is missing from a table is a bug. */
import { invariant } from '../invariant.js';

export type TransitionTable<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>;

/** @throws InvariantError when `event` cannot happen in `state`. */
export function transition<State extends string, Event extends string>(
  machine: string,
  table: TransitionTable<State, Event>,
  state: State,
  event: Event,
): State {
  const next = table[state][event];
  invariant(next !== undefined, `a ${machine} that is ${state} cannot meet ${event}`);
  return next as State;
}
