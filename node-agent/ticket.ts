/** A tile that this node holds a lease on: its message as it came, and what the server is told about it. */
import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from '#shared/bus/connect.js';
import { decodeMessage, type TileMessage, tileMessageSchema } from '#shared/bus/messages.js';
import { FarmError } from '#shared/errors.js';

/** buffered → rendering → publishing → gone. */
export interface Ticket {
  readonly tile: TileMessage;
  /** The newest delivery of this attempt: a redelivery replaces it. */
  message: JsMsg;
  state: 'buffered' | 'rendering' | 'publishing';
  /** It could start now. */
  isReady: boolean;
  /** When it got its slot, by the clock that only goes forward; 0 before. */
  takenAtMs: number;
  /** What becomes of its message when it is not finished here. */
  ifUnfinished: 'hand back' | 'acknowledge' | 'say nothing';
}

export function newTicket(tile: TileMessage, message: JsMsg): Ticket {
  return { tile, message, state: 'buffered', isReady: false, takenAtMs: 0, ifUnfinished: 'hand back' };
}

/** Names an attempt within its job. */
export const attemptKey = (tile: Pick<TileMessage, 'frame' | 'tile' | 'attempt'>): string =>
  `${tile.frame}/${tile.tile}/${tile.attempt}`;

/**
 * The tile of a message. Anybody on the bus can write one; a tile of another job, or larger than the frame, would harm
 * this node.
 * @param flawOf why a tile cannot be one of its job's, if so.
 * @throws MESSAGE_INVALID
 */
export function readTile(
  bus: Bus,
  message: JsMsg,
  flawOf: (tile: TileMessage) => string | undefined,
): TileMessage {
  const what = `tile message ${message.subject}`;
  const tile = decodeMessage(tileMessageSchema, message.data, what);
  const isAddressed = message.subject === bus.names.tile(tile);
  const flaw = isAddressed ? flawOf(tile) : 'its subject names another tile';
  if (flaw) throw new FarmError('MESSAGE_INVALID', `${what}: ${flaw}`);
  return tile;
}

/** An answer that a closed connection cannot carry is not given: the lease ends by itself. */
export function tell(bus: Bus, message: JsMsg, answer: 'working' | 'done' | 'hand back', delayMs = 0): void {
  if (bus.connection.isClosed()) return;
  if (answer === 'working') message.working();
  else if (answer === 'done') message.ack();
  else if (delayMs > 0) message.nak(delayMs);
  else message.nak();
}

/** It will not be finished here. Only the first call counts, as far as the server is concerned. */
export function letGo(bus: Bus, { message, ifUnfinished }: Ticket): void {
  if (ifUnfinished === 'hand back') tell(bus, message, 'hand back');
  if (ifUnfinished === 'acknowledge') tell(bus, message, 'done');
}
