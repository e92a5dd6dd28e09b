/** What a node has in hand, as its heartbeats tell it. */
import type { Hands, Heartbeat, HeldAttempt } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';
import type { Ticket } from './ticket.js';

/**
 * @param hasBegun a thread has begun to render it: what waits for a thread (short tiles travel together, and one that
 *        replaces a broken thread takes a moment) cannot be what a node died of. These come first in each job's list.
 */
export function listHands(
  jobs: Iterable<{ readonly jobId: JobId; readonly tickets: Iterable<Ticket> }>,
  hasBegun: (ticket: Ticket) => boolean,
): Pick<Heartbeat, 'inHand' | 'inHandLeftOut'> {
  const inHand: Hands[number][] = [];
  let room: number = LIMITS.heartbeatAttemptsMax;
  let inHandLeftOut = 0;
  for (const { jobId, tickets } of jobs) {
    const begun: HeldAttempt[] = [];
    const others: HeldAttempt[] = [];
    let taken = 0;
    for (const ticket of tickets) {
      const { tile, message, state } = ticket;
      const held: HeldAttempt = [tile.frame, tile.tile, tile.attempt, message.seq];
      if (state === 'rendering') taken++;
      (state === 'rendering' && hasBegun(ticket) ? begun : others).push(held);
    }
    const all = begun.concat(others);
    const attempts = all.slice(0, room);
    room -= attempts.length;
    inHandLeftOut += all.length - attempts.length;
    const rendering = Math.min(begun.length, attempts.length);
    if (attempts.length > 0) inHand.push({ jobId, attempts, rendering, taken });
  }
  return { inHand, inHandLeftOut };
}
