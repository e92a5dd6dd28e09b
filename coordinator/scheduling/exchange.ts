/**
 * Slots change hands: from who has more than a fair part to who has less, within a studio from lower to higher priority;
 * straight on a node that both can use, else along a way (paths.ts), else by the token that both need (tokens.ts) or by
 * as many slots as free the memory (make-room.ts).
 */

import { first } from './first.js';
import { freeSlots, idleOn, type JobEntry, type Ledger, type NodeEntry, type StudioEntry } from './ledger.js';
import { mayHaveTokensOn, roomFor, wantOf } from './limits.js';
import { makeRoom } from './make-room.js';
import type { Kind } from './node-classes.js';
import { fitting, follow, type Ways, waysOf } from './paths.js';
import { byLevel, byNeed, byPlenty, isRicher, mayTake, takeAtOnce } from './shares.js';
import { takeToken } from './tokens.js';

/** Nodes of a giver that are compared, more for more slots: the best of so many is good enough. */
const LOOKED_AT_MIN = 8;
const LOOKED_AT_MAX = 256;
const NOBODY: ReadonlySet<JobEntry> = new Set();
/** Jobs that are asked in one step: where memory forbids so many of them, the rest will hardly do. */
const TRIED_MAX = 24;
/** Nodes of a giver that lack memory, after which the rest is taken to lack it too. */
const UNFIT_MAX = 256;

/** Every job takes what it may, those of the poorest studio first. @returns whether anything has changed. */
export function exchange(ledger: Ledger): boolean {
  return forAllWaiting(ledger, (job) => improve(ledger, job));
}

/** Jobs take free slots that others can use in place of theirs. @returns whether anything has changed. */
export function fillByWays(ledger: Ledger): boolean {
  if (ledger.classes.open.size === 0) return false;
  return forAllWaiting(ledger, (job) => takeFreeByWay(ledger, job));
}

function forAllWaiting(ledger: Ledger, take: (job: JobEntry) => boolean): boolean {
  let hasChanged = false;
  for (const studio of [...ledger.studios.values()].sort(byLevel)) {
    const waiting = new Set<JobEntry>();
    for (const job of studio.jobs) if (wantOf(job) > 0) waiting.add(job);
    while (waiting.size > 0) {
      const job = first(waiting, byNeed)!;
      const hasMore = take(job);
      hasChanged ||= hasMore;
      if (!hasMore || wantOf(job) <= 0) waiting.delete(job);
    }
  }
  return hasChanged;
}

/** One step for the job, of however many slots at once. @returns whether it has more now. */
function improve(ledger: Ledger, job: JobEntry): boolean {
  if (!hasGiver(ledger, job)) return false;
  const memoryMax = freeMemoryMax(job);
  if (takeFromAll(ledger, job, memoryMax)) return true;
  const ways = waysOf(ledger, job.kind);
  const tried = new Set<JobEntry>();
  let isShortOfMemory = false;
  while (tried.size < TRIED_MAX) {
    const giver = bestGiver(ledger, job, ways, tried);
    if (!giver) break;
    tried.add(giver);
    if (job.job.slotMemoryBytes - giver.job.slotMemoryBytes > memoryMax) {
      isShortOfMemory = true;
      continue;
    }
    const slotsMax = Math.min(roomFor(job, giver), takeAtOnce(job, giver, ledger.studios.size));
    if (takeStraight(ledger, job, giver, slotsMax) > 0) return true;
    if (takeByWay(ledger, job, giver, ways, slotsMax)) return true;
    isShortOfMemory ||= giver.job.slotMemoryBytes < job.job.slotMemoryBytes;
  }
  if (takeToken(ledger, job)) return true;
  return isShortOfMemory && makeRoom(ledger, job, tried);
}

/** From the best giver of each richer studio in turn, else of its own: slots that it can use as they are. */
function takeFromAll(ledger: Ledger, job: JobEntry, memoryMax: number): boolean {
  const { meets } = job.kind;
  const slotsBefore = job.slots;
  const take = (studio: StudioEntry) => {
    const giver = bestOf(studio, job, meets, NOBODY);
    if (!giver || job.job.slotMemoryBytes - giver.job.slotMemoryBytes > memoryMax) return;
    const slotsMax = Math.min(roomFor(job, giver), takeAtOnce(job, giver, ledger.studios.size));
    takeStraight(ledger, job, giver, slotsMax);
  };
  const richer: StudioEntry[] = [];
  for (const studio of ledger.studios.values())
    if (studio !== job.studio && isRicher(studio, job.studio)) richer.push(studio);
  for (const studio of richer.sort(byLevel).reverse()) {
    if (wantOf(job) <= 0) break;
    if (isRicher(studio, job.studio)) take(studio);
  }
  if (job.slots === slotsBefore) take(job.studio);
  return job.slots > slotsBefore;
}

/** Most memory that is free on a node that the job may use. */
function freeMemoryMax({ kind, job }: JobEntry): number {
  let max = 0;
  if (job.slotMemoryBytes > 0)
    for (const { free } of kind.classes) if (free.anyMemoryMax > max) max = free.anyMemoryMax;
  return max;
}

function hasGiver({ studios }: Ledger, job: JobEntry): boolean {
  for (const studio of studios.values())
    if (studio !== job.studio && isRicher(studio, job.studio)) return true;
  for (const giver of job.studio.jobs) if (mayTake(job, giver)) return true;
  return false;
}

/** Of other studios, of the richest one; else of its own; only of the kinds, and nobody who was tried. */
function bestGiver(
  { studios }: Ledger,
  job: JobEntry,
  kinds: Pick<ReadonlyMap<Kind, unknown>, 'has'>,
  tried: ReadonlySet<JobEntry>,
): JobEntry | undefined {
  let best: JobEntry | undefined;
  for (const studio of studios.values()) {
    if (studio === job.studio || !isRicher(studio, job.studio)) continue;
    if (best && byLevel(studio, best.studio) < 0) continue;
    best = bestOf(studio, job, kinds, tried) ?? best;
  }
  return best ?? bestOf(job.studio, job, kinds, tried);
}

function bestOf(
  studio: StudioEntry,
  job: JobEntry,
  kinds: Pick<ReadonlyMap<Kind, unknown>, 'has'>,
  tried: ReadonlySet<JobEntry>,
): JobEntry | undefined {
  let best: JobEntry | undefined;
  for (const giver of studio.jobs)
    if (
      giver.slots > 0 &&
      kinds.has(giver.kind) &&
      !tried.has(giver) &&
      mayTake(job, giver) &&
      (!best || byPlenty(giver, best) < 0) &&
      roomFor(job, giver) > 0
    )
      best = giver;
  return best;
}

/** @returns slots taken. */
function takeStraight(ledger: Ledger, job: JobEntry, giver: JobEntry, slotsMax: number): number {
  const cells = cellsOf(giver, job, Math.min(LOOKED_AT_MAX, LOOKED_AT_MIN + slotsMax));
  let left = slotsMax;
  for (const isIdleOnly of [true, false])
    for (const { entry } of cells) {
      const has = giver.nodes.get(entry) ?? 0;
      const offered = isIdleOnly ? idleOn(entry, giver, has) : has;
      const slots = fitting(entry, job, giver, Math.min(left, offered));
      if (slots === 0 || !mayHaveTokensOn(entry, job)) continue;
      ledger.give(giver, entry, -slots);
      ledger.give(job, entry, slots);
      left -= slots;
      if (left === 0) return slotsMax;
    }
  return slotsMax - left;
}

/** Nodes where the job can have slots of the giver, best first. */
function cellsOf(giver: JobEntry, job: JobEntry, countMax: number): readonly Cell[] {
  const moreBytes = job.job.slotMemoryBytes - giver.job.slotMemoryBytes;
  const cells: Cell[] = [];
  let unfit = 0;
  for (const [nodeClass, nodes] of giver.classes) {
    if (!nodeClass.kinds.has(job.kind) || moreBytes > nodeClass.free.anyMemoryMax) continue;
    for (const [entry, slots] of nodes) {
      if (fitting(entry, job, giver, 1) > 0 && mayHaveTokensOn(entry, job))
        cells.push({ entry, merit: meritOf(entry, job, giver, slots) });
      else unfit += 1;
      if (cells.length === countMax || unfit === UNFIT_MAX) return cells.sort(byMerit);
    }
  }
  return cells.sort(byMerit);
}

interface Cell {
  readonly entry: NodeEntry;
  readonly merit: number;
}

function meritOf(entry: NodeEntry, job: JobEntry, giver: JobEntry, slots: number): number {
  const isApart = job.nodes.size < job.job.nodesMin;
  const isHere = job.nodes.has(entry);
  return (
    (isApart && !isHere ? 8 : 0) +
    (idleOn(entry, giver, slots) > 0 ? 4 : 0) +
    (isHere ? 2 : 0) +
    (entry.node.warmScenes.has(job.job.sceneKey) ? 1 : 0)
  );
}

const byMerit = (one: Cell, other: Cell): number => other.merit - one.merit;

/** A free slot that another job can use in place of one that this one can. */
function takeFreeByWay(ledger: Ledger, job: JobEntry): boolean {
  const room = roomFor(job);
  const ways = waysOf(ledger, job.kind);
  if (room <= 0 || ways.size === 1) return false;
  const { kind, licences } = job;
  const { slotMemoryBytes } = job.job;
  if (kind.noFree?.version === ledger.version && slotMemoryBytes >= kind.noFree.memoryBytes) return false;
  for (const nodeClass of ledger.classes.open) {
    // Jobs are not packed closer for the sake of a larger one: what moves needs as much memory as it leaves.
    if (nodeClass.kinds.has(kind) || nodeClass.free.memoryMax < slotMemoryBytes) continue;
    const entry = nodeClass.nodes[nodeClass.free.freest(slotMemoryBytes)]!;
    const hole = { entry, leaver: undefined, slots: freeSlots(entry) };
    if (follow(ledger, job, ways, hole, room) > 0) return true;
  }
  if (licences.length === 0) kind.noFree = { version: ledger.version, memoryBytes: slotMemoryBytes };
  return false;
}

/** Slots that the giver has where others can follow, who leave theirs. */
function takeByWay(ledger: Ledger, job: JobEntry, giver: JobEntry, ways: Ways, slotsMax: number): boolean {
  let tried = 0;
  for (const [nodeClass, nodes] of giver.classes) {
    if (nodeClass.kinds.has(job.kind)) continue;
    tried += 1;
    if (tried > TRIED_MAX) return false;
    const entry = leastMissedOf(nodes, giver);
    const slots = nodes.get(entry)!;
    if (follow(ledger, job, ways, { entry, leaver: giver, slots }, slotsMax) > 0) return true;
  }
  return false;
}

/** Of a few of the nodes, one where the giver renders nothing, if there is one. */
function leastMissedOf(nodes: ReadonlyMap<NodeEntry, number>, giver: JobEntry): NodeEntry {
  let any: NodeEntry | undefined;
  let lookedAt = 0;
  for (const [entry, slots] of nodes) {
    if (idleOn(entry, giver, slots) > 0) return entry;
    any ??= entry;
    lookedAt += 1;
    if (lookedAt === LOOKED_AT_MIN) break;
  }
  return any!;
}
