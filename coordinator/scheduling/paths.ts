/**
 * Ways in which a job comes to a slot that it cannot use itself: another job moves there and leaves it one that it can
 * use, or that one follows a third, and so on. Augmenting paths by breadth-first search, on the graph of kinds of jobs:
 * a kind leads to another where it may work on nodes on which the other has slots.
 * Source: Ford and Fulkerson's augmenting paths; Edmonds and Karp, the shortest first.
 */
import { freeMemoryBytes, idleOn, type JobEntry, type Ledger, type NodeEntry } from './ledger.js';
import { mayHaveTokensOn } from './limits.js';
import type { Kind, NodeClass } from './node-classes.js';

/** Candidates of a step that are looked at, so that a search stays short where memory makes most of them unfit. */
const LOOKED_AT_MAX = 64;

/** Kinds whose slots a job of this kind can come to, by however many moves: each with the one before it on the way. */
export type Ways = ReadonlyMap<Kind, Kind | undefined>;

/** @returns the kind itself first, then the others, nearest first. */
export function waysOf({ classes }: Ledger, kind: Kind): Ways {
  if (kind.ways?.version === classes.waysVersion) return kind.ways.found;
  const found = new Map<Kind, Kind | undefined>([[kind, undefined]]);
  for (const reached of found.keys())
    for (const next of reached.meets.keys()) if (!found.has(next)) found.set(next, reached);
  kind.ways = { version: classes.waysVersion, found };
  return found;
}

/** A node where slots become free, because they are or because `leaver` gives them up. */
export interface Hole {
  readonly entry: NodeEntry;
  readonly leaver: JobEntry | undefined;
  readonly slots: number;
}

/**
 * Moves jobs along the shortest way to the hole, each into the place of the one before, and gives the job the slot that
 * is left at its beginning.
 * @returns how many slots, at most `slotsMax`; 0: there is no way, or memory or licences do not allow it.
 */
export function follow(ledger: Ledger, job: JobEntry, ways: Ways, hole: Hole, slotsMax: number): number {
  const steps: {
    readonly entry: NodeEntry;
    readonly leaver: JobEntry | undefined;
    readonly comer: JobEntry;
  }[] = [];
  let { entry, leaver } = hole;
  let slots = Math.min(slotsMax, hole.slots);
  let kind = lastKind(ways, entry.nodeClass!);
  for (let before = kind && ways.get(kind); kind && before; before = ways.get(kind)) {
    const comer = findComer(kind, before, { entry, leaver, slots });
    if (!comer) return 0;
    slots = Math.min(slots, comer.slots, fitting(entry, comer.job, leaver, slots));
    steps.push({ entry, leaver, comer: comer.job });
    ({ entry, job: leaver } = comer);
    kind = before;
  }
  if (!kind || !mayHaveTokensOn(entry, job)) return 0;
  slots = Math.min(slots, fitting(entry, job, leaver, slots));
  if (slots === 0) return 0;
  steps.push({ entry, leaver, comer: job });
  for (const step of steps) {
    if (step.leaver) ledger.give(step.leaver, step.entry, -slots);
    ledger.give(step.comer, step.entry, slots);
  }
  job.lastNode = entry;
  return slots;
}

/** The nearest kind that may work in the class. */
function lastKind(ways: Ways, { kinds }: NodeClass): Kind | undefined {
  for (const kind of ways.keys()) if (kinds.has(kind)) return kind;
  return undefined;
}

/** How many slots of `comer` fit where `leaver` gives up as many. */
export function fitting(
  entry: NodeEntry,
  { job: comer }: JobEntry,
  leaver: JobEntry | undefined,
  slotsMax: number,
): number {
  const bytes = comer.slotMemoryBytes - (leaver?.job.slotMemoryBytes ?? 0);
  return bytes <= 0 ? slotsMax : Math.min(slotsMax, Math.max(0, Math.floor(freeMemoryBytes(entry) / bytes)));
}

/** A job of `kind` that can move to the hole from where `next` may work; one that renders nothing there before others. */
function findComer(
  kind: Kind,
  next: Kind,
  hole: Hole,
): { readonly job: JobEntry; readonly entry: NodeEntry; readonly slots: number } | undefined {
  let busy: { job: JobEntry; entry: NodeEntry; slots: number } | undefined;
  let lookedAt = 0;
  for (const job of kind.jobs) {
    if (job === hole.leaver || !mayHaveTokensOn(hole.entry, job)) continue;
    if (fitting(hole.entry, job, hole.leaver, 1) === 0) continue;
    for (const [nodeClass, nodes] of job.classes) {
      if (!nodeClass.kinds.has(next)) continue;
      for (const [entry, count] of nodes) {
        const idle = idleOn(entry, job, count);
        if (idle > 0) return { job, entry, slots: idle };
        busy ??= { job, entry, slots: count };
        lookedAt += 1;
        if (lookedAt > LOOKED_AT_MAX) return busy;
      }
    }
  }
  return busy;
}
