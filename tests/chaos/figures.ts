/**
 * What a chaos run cost, from what was seen of it. Pure.
 *
 * A slot renders one tile at a time, so that its core-seconds are the time that it renders: results tell how long each
 * took and when it was there, and hence when it began.
 * - Redone: every result of a tile but its first. Copies that the farm makes on purpose when slots have nothing else to
 *   do (stragglers) are told apart.
 * - Wasted: the time of redone tiles, and of renders that came to nothing: what a killed agent had spent on its tile
 *   (the time since its last result, its start or its going on, at most that of the tiles in its hand), and what an agent
 *   had spent on a tile that it gave up since another node had it.
 * - Recovery of a tile: from the kill of its node to the beginning of the render that counted for it elsewhere. A node's
 *   tiles are those of its last heartbeat, which may be a second old.
 * - Idle time of a slot: what no render covers, gaps of less than `TURNAROUND_MS` between two tiles left out.
 * Targets are judged on faults that come alone: with a second one in the same seconds there is no telling which cost what.
 */
import { difference, type Interval, intersection, length, union } from './intervals.js';
import type { Outage } from './journal.js';
import type { QueueSample, SeenHeartbeat, SeenResult } from './observer.js';

export interface Observations {
  readonly results: readonly SeenResult[];
  readonly heartbeats: readonly SeenHeartbeat[];
  readonly queue: readonly QueueSample[];
  readonly outages: readonly Outage[];
  readonly agents: readonly string[];
  /** Slot time of a long tile. */
  readonly tileMs: number;
  /** Tiles of which the farm made a second copy on purpose. */
  readonly speculated: ReadonlySet<string>;
  /** Jobs that a client has had rendered again in part. */
  readonly retriedJobs: ReadonlySet<string>;
  /** When agents gave up renders, since another node had the tile, and how many. */
  readonly givenUp: readonly { readonly nodeId: string; readonly atMs: number; readonly renders: number }[];
}

/** Of times in ms; `count` of them. */
export interface Spread {
  readonly count: number;
  readonly p50: number | undefined;
  readonly max: number | undefined;
}

export interface Figures {
  readonly faultsSurvived: Readonly<Record<string, number>>;
  readonly tilesRendered: number;
  readonly tilesRedone: number;
  readonly tilesSpeculated: number;
  readonly coreSeconds: number;
  readonly wastedCoreSeconds: number;
  readonly wastedOfKilledRenders: number;
  readonly wastedPercent: number;
  readonly tileRecoveryAlone: Spread;
  readonly tileRecoveryAll: Spread;
  readonly slotRecoveryAlone: Spread;
  readonly slotRecoveryAll: Spread;
  readonly coordinatorAwayMs: Spread;
  readonly idleWithoutCoordinatorMs: number;
  /** Slot time in which a slot could have been idle: it was well, the server too, and tiles were queued. */
  readonly watchedWithoutCoordinatorMs: number;
  /** The same while the coordinator was there: what its absence can be compared with. */
  readonly idleOtherwisePercent: number | undefined;
  readonly natsStallAlone: Spread;
  readonly natsStallAll: Spread;
}

/** From the end of one tile to the beginning of the next, encoding and a busy machine included. */
const TURNAROUND_MS = 150;
/** After a kill, others may not disturb for as long as its recovery may take. */
const ALONE_BEFORE_MS = 1_000;
const ALONE_AFTER_MS = 6_000;
/** An agent that was cut off or restarted is back at work after so long. */
const BACK_MS = 3_000;

export function figuresOf(seen: Observations): Figures {
  const rendered = seen.results.filter((result) => !result.isFailure);
  const repeats = repeatsOf(rendered).filter(({ jobId }) => !seen.retriedJobs.has(jobId));
  const redone = repeats.filter(({ tile }) => !seen.speculated.has(tile));
  const killedMs = sum(kills(seen, 'agent-kill').map((kill) => spentOnKilled(seen, kill)));
  const redoneMs = sum(redone.map(({ renderMs }) => renderMs));
  const givenUpMs = sum(
    seen.givenUp.map(({ nodeId, atMs, renders }) =>
      renders === 0 ? 0 : Math.min(sinceLastResult(seen, nodeId, atMs), renders * seen.tileMs),
    ),
  );
  const renderedMs = sum(rendered.map(({ renderMs }) => renderMs));
  const wastedMs = killedMs + redoneMs + givenUpMs;
  const recoveries = kills(seen, 'agent-kill').map((kill) => ({
    isAlone: isAlone(seen, kill),
    tiles: tileRecoveries(seen, kill),
    slot: slotRecovery(seen, kill),
  }));
  const alone = recoveries.filter((recovery) => recovery.isAlone);
  const stalls = kills(seen, 'nats-kill').flatMap((kill) => {
    const first = seen.results.find(({ atMs }) => atMs > kill.toMs);
    return first ? [{ isAlone: isAlone(seen, kill), ms: first.atMs - kill.fromMs }] : [];
  });
  const away = kills(seen, 'coordinator-kill').map(({ fromMs, toMs }): Interval => [fromMs, toMs]);
  const idle = idleTime(seen, away);
  const usual = idleTime(seen, difference(queuedTimes(seen.queue), away));
  return {
    faultsSurvived: countByKind(seen.outages),
    tilesRendered: rendered.length,
    tilesRedone: redone.length,
    tilesSpeculated: repeats.length - redone.length,
    coreSeconds: (renderedMs + killedMs + givenUpMs) / 1_000,
    wastedCoreSeconds: wastedMs / 1_000,
    wastedOfKilledRenders: killedMs / 1_000,
    wastedPercent: renderedMs === 0 ? 0 : (100 * wastedMs) / (renderedMs + killedMs + givenUpMs),
    tileRecoveryAlone: spread(alone.flatMap(({ tiles }) => tiles)),
    tileRecoveryAll: spread(recoveries.flatMap(({ tiles }) => tiles)),
    slotRecoveryAlone: spread(alone.flatMap(({ slot }) => slot)),
    slotRecoveryAll: spread(recoveries.flatMap(({ slot }) => slot)),
    coordinatorAwayMs: spread(kills(seen, 'coordinator-kill').map(({ fromMs, toMs }) => toMs - fromMs)),
    idleWithoutCoordinatorMs: idle.idleMs,
    watchedWithoutCoordinatorMs: idle.watchedMs,
    idleOtherwisePercent: usual.watchedMs === 0 ? undefined : (100 * usual.idleMs) / usual.watchedMs,
    natsStallAlone: spread(stalls.filter((stall) => stall.isAlone).map(({ ms }) => ms)),
    natsStallAll: spread(stalls.map(({ ms }) => ms)),
  };
}

type Kill = Outage & { readonly toMs: number };

function kills({ outages }: Observations, kind: string): Kill[] {
  return outages.filter((outage): outage is Kill => outage.kind === kind && outage.toMs !== undefined);
}

function countByKind(outages: readonly Outage[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, toMs } of outages) if (toMs !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** All results of a tile but its first. */
function repeatsOf(results: readonly SeenResult[]): SeenResult[] {
  const first = new Set<string>();
  return results.filter(({ tile }) => first.size === first.add(tile).size);
}

function isAlone({ outages }: Observations, kill: Kill): boolean {
  const [fromMs, toMs] = [kill.fromMs - ALONE_BEFORE_MS, kill.fromMs + ALONE_AFTER_MS];
  return !outages.some(
    (other) => other !== kill && other.fromMs < toMs && (other.toMs ?? Number.POSITIVE_INFINITY) > fromMs,
  );
}

function lastHandOf({ heartbeats }: Observations, nodeId: string, atMs: number): readonly string[] {
  const last = heartbeats.findLast((beat) => beat.nodeId === nodeId && beat.atMs <= atMs);
  return last && atMs - last.atMs < 2 * ALONE_AFTER_MS ? last.inHand : [];
}

/** What a killed agent had spent on its tile, ms. */
function spentOnKilled(seen: Observations, { target, fromMs }: Kill): number {
  const hand = lastHandOf(seen, target, fromMs);
  return Math.min(sinceLastResult(seen, target, fromMs), hand.length * seen.tileMs);
}

/** Since the node's last result, its start or its going on, whichever was last, ms. */
function sinceLastResult(seen: Observations, nodeId: string, atMs: number): number {
  const lastResult = seen.results.findLast((result) => result.nodeId === nodeId && result.atMs <= atMs);
  const before = seen.outages.filter((outage) => outage.target === nodeId && outage.fromMs < atMs);
  const backMs = Math.max(0, ...before.map((outage) => outage.toMs ?? 0).filter((toMs) => toMs <= atMs));
  return atMs - Math.max(lastResult?.atMs ?? 0, backMs);
}

/** How long each tile of a killed agent waited until another render of it began, ms. */
function tileRecoveries(seen: Observations, { target, fromMs }: Kill): number[] {
  const done = new Set(seen.results.filter(({ atMs }) => atMs <= fromMs).map(({ tile }) => tile));
  return lastHandOf(seen, target, fromMs)
    .filter((tile) => !done.has(tile))
    .flatMap((tile) => {
      const next = seen.results.find((result) => result.tile === tile && result.atMs > fromMs);
      // Of a job that was cancelled; the audit looks for tiles that are lost.
      if (!next) return [];
      const beganMs = next.atMs - next.renderMs;
      // Published at the moment of the kill.
      if (next.nodeId === target && beganMs < fromMs) return [];
      return [Math.max(0, beganMs - fromMs)];
    });
}

/** How long a killed agent's slot stood still, its restart included, ms. */
function slotRecovery({ results }: Observations, { target, fromMs }: Kill): number[] {
  const next = results.find((result) => result.nodeId === target && result.atMs - result.renderMs > fromMs);
  return next ? [next.atMs - next.renderMs - fromMs] : [];
}

/** Of all slots that were well, at these times, while the server was well and tiles were queued. */
function idleTime(
  seen: Observations,
  times: readonly Interval[],
): { readonly idleMs: number; readonly watchedMs: number } {
  const queued = intersection(times, queuedTimes(seen.queue));
  const server = outagesOf(seen, 'nats-server');
  let [idleMs, watchedMs] = [0, 0];
  for (const agent of seen.agents) {
    const watched = difference(queued, [...server, ...outagesOf(seen, agent)]);
    const busy = seen.results
      .filter(({ nodeId }) => nodeId === agent)
      .map(({ atMs, renderMs }): Interval => [atMs - renderMs - TURNAROUND_MS / 2, atMs + TURNAROUND_MS / 2]);
    // What was rendering when it was killed has no result.
    const cutOff = kills(seen, 'agent-kill')
      .filter(({ target }) => target === agent)
      .map((kill): Interval => [kill.fromMs - spentOnKilled(seen, kill) - TURNAROUND_MS, kill.fromMs]);
    watchedMs += length(watched);
    idleMs += length(difference(watched, union([...busy, ...cutOff])));
  }
  return { idleMs, watchedMs };
}

/** With the time that it takes to be at work again. */
function outagesOf({ outages }: Observations, target: string): Interval[] {
  return outages
    .filter((outage) => outage.target === target)
    .map(({ fromMs, toMs }): Interval => [fromMs, (toMs ?? Number.POSITIVE_INFINITY) + BACK_MS]);
}

/** Between two samples that both saw tiles waiting. */
function queuedTimes(samples: readonly QueueSample[]): Interval[] {
  return samples.flatMap((sample, index): Interval[] => {
    const next = samples[index + 1];
    if (!next || sample.waiting === 0 || next.waiting === 0) return [];
    return [[sample.atMs, Math.min(next.atMs, sample.atMs + 2_000)]];
  });
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { count: sorted.length, p50: sorted[(sorted.length - 1) >> 1], max: sorted.at(-1) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
