/**
 * Ways in which a job comes to a slot that it cannot use itself: another job moves there and leaves it one that it can
 * use, or that one follows a third, and so on. Augmenting paths by breadth-first search, on the graph of kinds of jobs:
 * a kind leads to another where it may work on nodes on which the other has slots.
 * Source: Ford and Fulkerson's augmenting paths; Edmonds and Karp, the shortest first.
 */
import { freeMemoryBytes, idleOn, type JobEntry, type Ledger, type NodeEntry } from './ledger.js';
import { mayHaveTokensOn } from './limits.js';
import type { Kind } from './node-classes.js';

/** Candidates of a step that are looked at, so that a search stays short where memory makes most of them unfit. */
const LOOKED_AT_MAX = 64;
/** Kinds that are asked to move to a hole, nearest first. */
const LAST_KINDS_MAX = 8;

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
  let tried = 0;
  // The nearest kind whose jobs lack the memory, or a token, must not hide one behind it that has them.
  for (const kind of ways.keys()) {
    if (!hole.entry.nodeClass!.kinds.has(kind)) continue;
    const slots = followFrom(ledger, job, ways, hole, slotsMax, kind);
    tried += 1;
    if (slots > 0 || tried === LAST_KINDS_MAX) return slots;
  }
  return 0;
}

/** @param last  kind of the job that moves to the hole. */
function followFrom(
  ledger: Ledger,
  job: JobEntry,
  ways: Ways,
  hole: Hole,
  slotsMax: number,
  last: Kind,
): number {
  const steps: Step[] = [];
  let { entry, leaver } = hole;
  const passed = new Set([entry]);
  let slots = Math.min(slotsMax, hole.slots);
  let kind: Kind | undefined = last;
  for (let before = kind && ways.get(kind); kind && before; before = ways.get(kind)) {
    const taker = before === job.kind ? job : undefined;
    const comer = findComer(kind, before, { entry, leaver, slots }, { taker, passed });
    if (!comer) return 0;
    slots = Math.min(slots, comer.slots, fitting(entry, comer.job, leaver, slots));
    steps.push({ entry, leaver, comer: comer.job });
    ({ entry, job: leaver } = comer);
    passed.add(entry);
    kind = before;
  }
  if (!kind || !mayHaveTokensOn(entry, job)) return 0;
  slots = Math.min(slots, fitting(entry, job, leaver, slots));
  if (slots === 0) return 0;
  steps.push({ entry, leaver, comer: job });
  move(ledger, steps, slots);
  // Each step was judged by itself; together they may need more of a node, or of a licence by node.
  if (!steps.every(isWithinLimits)) {
    move(ledger, steps, -slots);
    return 0;
  }
  job.lastNode = entry;
  return slots;
}

interface Step {
  readonly entry: NodeEntry;
  readonly leaver: JobEntry | undefined;
  readonly comer: JobEntry;
}

/** @param slots  below 0: back again. */
function move(ledger: Ledger, steps: readonly Step[], slots: number): void {
  for (const { entry, leaver, comer } of steps) {
    if (leaver) ledger.give(leaver, entry, -slots);
    ledger.give(comer, entry, slots);
  }
}

function isWithinLimits({ entry, comer }: Step): boolean {
  return (
    freeMemoryBytes(entry) >= 0 &&
    comer.licences.every(({ policy, nodes }) => policy.per !== 'node' || nodes.size <= policy.total)
  );
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

/**
 * A job of `kind` that can move to the hole from where `next` may work; one that renders nothing there before others.
 * @param taker   who gets what it leaves, if that is decided.
 * @param passed  nodes on the way: what fits is reckoned for one change on each.
 */
function findComer(
  kind: Kind,
  next: Kind,
  hole: Hole,
  { taker, passed }: { readonly taker: JobEntry | undefined; readonly passed: ReadonlySet<NodeEntry> },
): { readonly job: JobEntry; readonly entry: NodeEntry; readonly slots: number } | undefined {
  let busy: { job: JobEntry; entry: NodeEntry; slots: number } | undefined;
  let lookedAt = 0;
  for (const job of kind.jobs) {
    if (job === hole.leaver || !mayHaveTokensOn(hole.entry, job)) continue;
    if (fitting(hole.entry, job, hole.leaver, 1) === 0) continue;
    for (const [nodeClass, nodes] of job.classes) {
      if (!nodeClass.kinds.has(next)) continue;
      for (const [entry, count] of nodes) {
        if (passed.has(entry)) continue;
        if (taker && (fitting(entry, taker, job, 1) === 0 || !mayHaveTokensOn(entry, taker))) continue;
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
