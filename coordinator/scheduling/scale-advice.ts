/**
 * How many slots each pool should have: what is left to render ÷ the time in which it should be rendered, within the
 * pool's bounds, and never less than was needed within the last `idleMs` (machines that come and go cost more than those
 * that wait a little). A pure fold: the state is plain data.
 */
import { formatDurationMs } from '#shared/domain/duration.js';
import type { PoolPolicy } from '../admin/settings.js';
import { counted, short } from './in-words.js';
import type { PoolAdvice } from './scheduler-view.js';
import { WAYS_OUT } from './ways-out.js';

/** A pool as it is now. */
export interface PoolLoad {
  /** Empty: jobs that ask for no pool, and nodes that are in none. */
  readonly pool: string;
  readonly policy: PoolPolicy;
  /** Of its nodes that take tiles. */
  readonly slots: number;
  /** That one slot uses, on average: 1 or more. */
  readonly coresPerSlot: number;
  /** Of its jobs that may run: what is left, as far as known. */
  readonly backlogCoreSeconds: number;
  /** Slots that these jobs could fill at this moment. */
  readonly slotsUsable: number;
}

/** What was advised last. */
export interface HeldAdvice {
  readonly slots: number;
  /** Less has been needed since; absent: it is needed now. */
  readonly aboveSinceMs?: number;
  /** The most that was needed in that time. */
  readonly neededMax: number;
}
/** By pool. */
export type ScaleState = ReadonlyMap<string, HeldAdvice>;

export interface ScaleAdvice {
  /** In the order of `loads`. */
  readonly pools: readonly PoolAdvice[];
  /** For the next time; pools that are no longer there are forgotten. */
  readonly state: ScaleState;
  /** When time alone changes it. */
  readonly changesAtMs: number | undefined;
}

/** @param nowMs of a clock that does not go back. */
export function scaleAdvice(loads: readonly PoolLoad[], before: ScaleState, nowMs: number): ScaleAdvice {
  const state = new Map<string, HeldAdvice>();
  let changesAtMs: number | undefined;
  const pools = loads.map((load) => {
    const need = needOf(load);
    const held = hold(before.get(load.pool), load, need.slots, nowMs);
    state.set(load.pool, held);
    const slotsWanted = bounded(held.slots, load.policy);
    const untilMs = held.aboveSinceMs === undefined ? undefined : held.aboveSinceMs + load.policy.idleMs;
    // What a bound holds up does not fall with time.
    if (untilMs !== undefined && bounded(held.neededMax, load.policy) < slotsWanted)
      changesAtMs = Math.min(changesAtMs ?? untilMs, untilMs);
    const { pool, slots, backlogCoreSeconds } = load;
    const isHeld = slotsWanted > bounded(need.slots, load.policy);
    const reason = isHeld
      ? `${need.reason}; ${slotsWanted} kept until less has been needed for ${formatDurationMs(load.policy.idleMs)}`
      : need.reason;
    return { pool, slots, slotsWanted, backlogCoreSeconds, reason };
  });
  return { pools, state, changesAtMs };
}

/** What its jobs need, bounds left out, and in words with them. */
function needOf(load: PoolLoad): { readonly slots: number; readonly reason: string } {
  const { backlogCoreSeconds, coresPerSlot, slotsUsable, policy } = load;
  const inTime = Math.ceil((backlogCoreSeconds * 1000) / (policy.targetWaitMs * coresPerSlot));
  // What nothing is known of has to start somewhere; and no job uses more slots than it has tiles.
  const slots = Math.min(slotsUsable, Math.max(1, inTime));
  return { slots, reason: reasonOf(load, slots, inTime) };
}

function reasonOf(load: PoolLoad, slots: number, inTime: number): string {
  const { backlogCoreSeconds, coresPerSlot, policy } = load;
  const limited = boundInWords(slots, load);
  if (slots === 0) return `nothing to render${limited}`;
  if (backlogCoreSeconds === 0) return `${counted(slots, 'slot')} to learn what its tiles cost${limited}`;
  const each = coresPerSlot === 1 ? '' : ` of ${short(coresPerSlot)} cores`;
  const sum = `${short(backlogCoreSeconds)} core-seconds in ${formatDurationMs(policy.targetWaitMs)} take ${counted(Math.max(1, inTime), 'slot')}${each}`;
  const tiles = slots < inTime ? `, and its jobs have tiles for ${slots}` : '';
  return `${sum}${tiles}${limited}`;
}

function boundInWords(slots: number, { pool, policy }: PoolLoad): string {
  const wanted = bounded(slots, policy);
  if (wanted === slots) return '';
  const bound = wanted > slots ? 'min' : 'max';
  const way = pool === '' ? '' : `: ${WAYS_OUT.poolSlots(pool, bound, slots)}`;
  return `; its ${bound}imum is ${wanted}${way}`;
}

/** `maxSlots` wins over a larger `minSlots`. */
function bounded(slots: number, { minSlots, maxSlots }: PoolPolicy): number {
  const above = Math.max(slots, minSlots);
  return maxSlots === 0 ? above : Math.min(above, maxSlots);
}

/**
 * What is held was needed at some time within the last `idleMs`. After that it falls to the most that was needed since,
 * not to what is needed at that very moment.
 */
function hold(
  before: HeldAdvice | undefined,
  { policy, slots }: PoolLoad,
  need: number,
  nowMs: number,
): HeldAdvice {
  // At first sight what is there counts as needed until now: a coordinator that starts again sends no machine away.
  const held = before ?? { slots: bounded(slots, policy), neededMax: 0, aboveSinceMs: nowMs };
  if (need >= held.slots) return { slots: need, neededMax: need };
  const aboveSinceMs = held.aboveSinceMs ?? nowMs;
  const neededMax = held.aboveSinceMs === undefined ? need : Math.max(held.neededMax, need);
  if (nowMs - aboveSinceMs < policy.idleMs) return { slots: held.slots, neededMax, aboveSinceMs };
  return neededMax === need
    ? { slots: need, neededMax: need }
    : { slots: neededMax, neededMax: need, aboveSinceMs: nowMs };
}
