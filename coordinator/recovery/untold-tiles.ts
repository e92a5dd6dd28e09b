/**
 * What is to be done about tiles that were delivered and that no node has in hand: which were with an agent or a
 * connection that is gone, which may merely wait in the queue for a slot, and which may have ended an agent. Pure functions.
 *
 * The queue counts a tile that was handed back as leased until somebody takes it, and does not tell it from one that is
 * with somebody. What it does tell is whether somebody waits for a tile: then everything that was handed back has gone out
 * at once. To end the lease of a tile that waits changes nothing, so that in doubt it is done, and nothing is told or counted.
 */
import type { NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { QueuedAttempt } from './lost-tiles.js';

/** A look at a job's consumer. */
export interface QueueLook {
  /** Everything up to this sequence has been given to some node. */
  readonly deliveredUpTo: number;
  /** Everything up to this sequence is acknowledged. */
  readonly acknowledgedUpTo: number;
  /** Messages that are leased, or wait to be delivered again. */
  readonly leased: number;
  /** Somebody waits for a tile, so that none waits for somebody. */
  readonly isWaitedFor: boolean;
}

/** An agent that was lost before the look. */
export interface LostAgent {
  readonly nodeId: NodeId;
  readonly lostAtMs: number;
  readonly lastHeardAtMs: number;
  /** Slots that may have had tiles which it had not told of when something ended it (`spareSlots`). */
  readonly spareSlots: number;
}

export interface UntoldQuestion<T extends QueuedAttempt> {
  /** Of one job, delivered before the look, and in no hand that was told after it. */
  readonly tiles: readonly T[];
  readonly look: QueueLook;
  readonly lookedAtMs: number;
  /** None: what stands is looked at, though no node is lost. */
  readonly lost: readonly LostAgent[];
  /** When its lease was ended last; nothing: never, or somebody had it since. */
  givenAtMs(tile: T): number | undefined;
  /** Whether a tile whose lease was ended then waits for a slot, as far as can be known. */
  isWaiting(givenAtMs: number): boolean;
  /** Whether nodes are to leave it to others: they hand it back again and again. */
  isAvoided(tile: T): boolean;
}

export interface UntoldTiles<T> {
  /** With an agent or a connection that is gone. Their leases are to be ended. */
  readonly gone: readonly T[];
  /** They may as well wait for a slot: their leases are to be ended, and that is all. */
  readonly unsure: readonly T[];
  /** Those of `gone` that may have been in a slot's thread when an agent ended. */
  readonly atWork: readonly T[];
}

/** An agent that lives is heard within this time: what was given later is nothing that it had begun. */
const HEARD_WITHIN_MS = 2 * TIMES.heartbeatEveryMs;

export function untoldTiles<T extends QueuedAttempt>(question: UntoldQuestion<T>): UntoldTiles<T> {
  return question.lost.length > 0 ? tilesOfLost(question) : tilesThatStand(question);
}

function tilesThatStand<T extends QueuedAttempt>(question: UntoldQuestion<T>): UntoldTiles<T> {
  const { tiles, look, lookedAtMs, givenAtMs, isWaiting, isAvoided } = question;
  const [gone, unsure]: [T[], T[]] = [[], []];
  // More than are leased: results of some are on their way here. The next look tells more.
  if (tiles.length > look.leased) return { gone, unsure, atWork: [] };
  for (const tile of tiles) {
    const atMs = givenAtMs(tile);
    if (atMs !== undefined && (atMs >= lookedAtMs || isWaiting(atMs))) continue;
    const isSure = look.isWaitedFor && atMs === undefined && !isAvoided(tile);
    (isSure ? gone : unsure).push(tile);
  }
  return { gone, unsure, atWork: [] };
}

/** What came first was begun first. */
function tilesOfLost<T extends QueuedAttempt>(question: UntoldQuestion<T>): UntoldTiles<T> {
  const { tiles, look, lost, givenAtMs } = question;
  const lastLostAtMs = lost.reduce((last, { lostAtMs }) => Math.max(last, lostAtMs), 0);
  const crashed = lost.filter(({ spareSlots }) => spareSlots > 0);
  let spare = crashed.reduce((sum, { spareSlots }) => sum + spareSlots, 0);
  const [gone, unsure, atWork]: [T[], T[], T[]] = [[], [], []];
  for (const tile of tiles.toSorted((a, b) => a.sequence - b.sequence)) {
    const atMs = givenAtMs(tile);
    // One of these losses gave it to others, who may have spoken before they took it: one loss counts once.
    if (atMs !== undefined && atMs >= lastLostAtMs) continue;
    const mayHaveIt = ({ lostAtMs, lastHeardAtMs }: LostAgent) =>
      atMs === undefined || (atMs < lostAtMs && atMs <= lastHeardAtMs + HEARD_WITHIN_MS);
    const mayBeAtWork = spare > 0 && crashed.some(mayHaveIt);
    if (mayBeAtWork) {
      spare--;
      atWork.push(tile);
    }
    (mayBeAtWork || atMs === undefined || look.isWaitedFor ? gone : unsure).push(tile);
  }
  return { gone, unsure, atWork };
}
