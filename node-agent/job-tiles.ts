/** What a node has of one job: its tiles at hand, what it asked for, and what it may have of the node's slots. */
import { AvoidedTiles } from './avoided-tiles.js';
import { Brake } from './brake.js';
import { capOf, type JobLoad, type JobShare, prefetchDepth } from './fair-share.js';
import type { JobFeed } from './job-feed.js';
import type { Ticket } from './ticket.js';

export interface JobTiles {
  readonly feed: JobFeed;
  /** By attempt. */
  readonly tickets: Map<string, Ticket>;
  /** In order of delivery. */
  readonly buffered: Set<Ticket>;
  ready: number;
  rendering: number;
  servedAt: number;
  share: JobShare;
  /** What renders is finished; nothing is taken, nothing pulled. */
  isFinishing: boolean;
  /** Tiles at hand at most while all jobs have some (fair-share.ts). */
  heldPart: number;
  /** Time per tile of late; undefined before the first. */
  meanTileMs: number | undefined;
  readonly avoided: AvoidedTiles;
  readonly brake: Brake;
  /** Nothing of it is taken or pulled until it is known whether the brake is needed. */
  isHeldBack: boolean;
  /** It begins no more than its own slots hold until then, by the clock that only goes forward: one comes that takes the rest. */
  yieldsUntilMs: number;
}

/** What the assignment says of a job that is open. */
export interface JobStanding {
  readonly share: JobShare;
  readonly isFinishing: boolean;
  /** What it renders beyond its slots is to be stopped. */
  readonly yields?: boolean;
}

/** Weight of the newest tile in the mean. */
const MEAN_WEIGHT = 0.1;
/** In which a job that takes slots at once brings its scene and its first tiles; its slots idle for so long at most. */
export const YIELD_MS = 10_000;

export function newJobTiles(feed: JobFeed, share: JobShare, servedAt: number): JobTiles {
  return {
    ...{ feed, share, servedAt },
    tickets: new Map(),
    buffered: new Set(),
    ...{ ready: 0, rendering: 0, heldPart: Number.POSITIVE_INFINITY, meanTileMs: undefined },
    avoided: new AvoidedTiles(),
    brake: new Brake(),
    ...{ isFinishing: false, isHeldBack: false, yieldsUntilMs: 0 },
  };
}

/** A licence or a limit binds it: it renders only while somebody could take that away. */
export const isCapped = ({ share }: JobTiles): boolean => share.slotsMax !== undefined;

/** With the brake on there is one tile at a time, and none while it pauses. */
export const mayTry = ({ feed, isHeldBack, tickets }: JobTiles): boolean =>
  !feed.isHeld && !isHeldBack && tickets.size === 0;

/** @param rendering tiles of the job in slots, those included that were there before it left and came back. */
export function loadOf(job: JobTiles, rendering: number): JobLoad {
  const { feed, share, buffered, brake, avoided } = job;
  // What could not start here for a while is left to others.
  const isStocked = buffered.size >= share.slots && leavesSlots(job, rendering);
  const mayPull = !job.isFinishing && !job.isHeldBack && !isStocked;
  return {
    ...share,
    buffered: buffered.size,
    outstanding: feed.outstanding,
    askedAtMs: feed.askedAtMs,
    rendering,
    isDry: feed.isDry || brake.isOn || avoided.isOn,
    canPull: feed.canPull && mayPull && (!brake.isOn || mayTry(job)),
  };
}

/** As `nextJob` judges it. @param rendering as above. */
export const candidateOf = ({ share, ready, servedAt }: JobTiles, rendering: number) => ({
  slots: share.slots,
  slotsMax: share.slotsMax,
  ...{ ready, rendering, servedAt },
});

/** Tiles in slots, and those whose results are on their way. */
export function countAtWork(jobs: readonly JobTiles[]): { rendering: number; publishing: number } {
  const states = jobs.flatMap(({ tickets }) => [...tickets.values()].map(({ state }) => state));
  const count = (wanted: Ticket['state']) => states.filter((state) => state === wanted).length;
  return { rendering: count('rendering'), publishing: count('publishing') };
}

/** Tiles in slots beyond the job's own, the youngest: least is lost with them. @param rendering as above. */
export function beyondSlots({ tickets, share }: JobTiles, rendering: number): Ticket[] {
  const count = Math.max(0, rendering - share.slots);
  const inSlots = [...tickets.values()].filter(({ state }) => state === 'rendering');
  return inSlots.sort((a, b) => b.takenAtMs - a.takenAtMs).slice(0, count);
}

/** The next slot is not for it. @param rendering as above. */
export const leavesSlots = ({ share, yieldsUntilMs }: JobTiles, rendering: number): boolean =>
  rendering >= share.slots && yieldsUntilMs > 0 && performance.now() < yieldsUntilMs;

/** It was rendered in this time. */
export function learn(job: JobTiles, renderMs: number): void {
  const mean = job.meanTileMs ?? renderMs;
  job.meanTileMs = mean + MEAN_WEIGHT * (renderMs - mean);
}

/** No room for another tile of it, since it may render few at a time. */
export const isFull = ({ buffered, share }: JobTiles, rendering: number): boolean =>
  buffered.size + rendering >= 2 * capOf(share);

/** Buffered tiles beyond `heldMax` at hand, the newest: nodes that have room should have them. */
export function surplus({ buffered }: JobTiles, rendering: number, heldMax: number): Ticket[] {
  const count = buffered.size + rendering - heldMax;
  return count <= 0 ? [] : [...buffered].slice(-count);
}

/**
 * Tiles at hand at most, of all jobs: by the job with the longest tiles, and shallow while one is unknown, since a node must
 * not hoard what others could do.
 */
export function depthOf(jobs: readonly JobTiles[], slots: number): number {
  let slowestMs: number | undefined;
  for (const { meanTileMs, isFinishing } of jobs) {
    if (isFinishing) continue;
    if (meanTileMs === undefined) return prefetchDepth(slots, undefined);
    slowestMs = Math.max(slowestMs ?? 0, meanTileMs);
  }
  return prefetchDepth(slots, slowestMs);
}

/** A tile came that this node is to leave to others. @returns after how long it may go to anybody, ms. */
export function leaveToOthers({ avoided, feed }: JobTiles, key: string): number {
  const { returnAfterMs, pauseMs } = avoided.came(key, feed.outstanding > 0, performance.now());
  // In lockstep several nodes could hand several tiles round, each to one that is to leave it.
  const scatter = 0.5 + Math.random();
  feed.hold(pauseMs * scatter);
  return Math.round(returnAfterMs * scatter);
}
