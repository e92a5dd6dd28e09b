/** Which other studios have the slots that a job could use, by their shares, and what would give it one more. */
import type { Studio } from '#shared/domain/ids.js';
import type { Contention } from './contention.js';
import type { FarmJob } from './farm-model.js';
import { counted, short } from './in-words.js';
import { type LimitsAsked, studioPolicy, unmet } from './limits-reached.js';
import type { Wait } from './scheduler-view.js';
import { WAYS_OUT } from './ways-out.js';

const STUDIOS_SHOWN_MAX = 3;
/** That an admin can set. */
const SHARE_MAX = 1_000_000;

interface Rival {
  readonly studio: Studio;
  readonly share: number;
  /** In all. */
  readonly slots: number;
  /** That are left to it when the job has taken what it needs for one slot. */
  readonly slotsLeft: number;
}

/**
 * As shares.ts has it, a studio takes slots from another one that without them still has more for its share: ours does once
 * (slots + ½) ÷ share is below (what is left + ½) ÷ share of the richest of those that have slots there.
 */
export function behindItsShare(contention: Contention, asked: LimitsAsked, job: FarmJob): Wait {
  const rivals = rivalsOf(contention, asked, job);
  const [richest] = rivals;
  if (!richest) return allItsOwn(contention, asked, job);
  const { share } = studioPolicy(asked.policy, job);
  const slots = asked.usage.slotsByStudio.get(job.studio) ?? 0;
  const more = newSlotsUntil(slots, share, rivals);
  const has = `studio ${job.studio} has ${counted(slots, 'slot')} by share ${short(share)} (${inWords(rivals)})`;
  // The first slot costs nothing: no share is too small for it.
  const enough = slots === 0 ? 0 : ((slots + 0.5) * richest.share) / (richest.slotsLeft + 0.5);
  // A slot has to be left to the other, and what is a fair part already is kept from it by something else.
  if (richest.slotsLeft <= 0 || enough < share || enough >= SHARE_MAX) {
    const isDue = richest.slotsLeft > 0 && enough < share;
    const keeps = isDue
      ? 'is due one of theirs as soon as nothing else holds it back'
      : 'none has one to spare for it';
    return {
      kind: 'share',
      have: contention.slots,
      need: contention.slots + more,
      subject: job.jobId,
      message: `${has}, and ${keeps}: about ${counted(more, 'new slot')} would give it another (${WAYS_OUT.addNode})`,
    };
  }
  const need = above(enough);
  return {
    kind: 'share',
    have: share,
    need,
    subject: job.studio,
    message: `${has}: ${WAYS_OUT.studioShare(job.studio, need)} gives it another, and so would about ${counted(more, 'new slot')} (${WAYS_OUT.addNode})`,
  };
}

/** How many more slots the farm needs until the next one is ours: the rivals take theirs first, at equal cost as well. */
function newSlotsUntil(slots: number, share: number, rivals: readonly Rival[]): number {
  if (slots === 0) return 1;
  const level = (slots + 0.5) / share;
  return rivals.reduce((sum, rival) => {
    const missing = level * rival.share - 0.5 - rival.slots;
    return sum + (missing < 0 ? 0 : Math.floor(missing) + 1);
  }, 1);
}

/** Other studios that have slots there, the richest for its share first. */
function rivalsOf({ takes }: Contention, { usage, policy }: LimitsAsked, job: FarmJob): readonly Rival[] {
  const rivals: Rival[] = [];
  for (const [studio, take] of takes) {
    if (studio === job.studio) continue;
    const slots = usage.slotsByStudio.get(studio) ?? 0;
    rivals.push({ studio, share: studioPolicy(policy, { studio }).share, slots, slotsLeft: slots - take });
  }
  const level = ({ slotsLeft, share }: Rival) => (slotsLeft + 0.5) / share;
  return rivals.sort((one, other) => level(other) - level(one));
}

/** `ads: 3 by share 3, games: 1 by share 1 and 2 more studios` */
function inWords(rivals: readonly Rival[]): string {
  const shown = rivals
    .slice(0, STUDIOS_SHOWN_MAX)
    .map(({ studio, slots, share }) => `${studio}: ${slots} by share ${short(share)}`)
    .join(', ');
  const rest = rivals.length - STUDIOS_SHOWN_MAX;
  return rest > 0 ? `${shown} and ${counted(rest, 'more studio')}` : shown;
}

/** The next number that is larger, to three digits: what is typed should be short. */
function above(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Number((Math.floor(value / unit + 1.000001) * unit).toPrecision(3));
}

/** No other studio has what it could use. */
function allItsOwn({ nodes, slots, slotsWithoutMemory }: Contention, asked: LimitsAsked, job: FarmJob): Wait {
  const more = unmet(job, asked.usage);
  const which =
    nodes === 1 ? 'the 1 node that can work for it has' : `the ${nodes} nodes that can work for it have`;
  const taken = slotsWithoutMemory === 0 ? 'all' : slots - slotsWithoutMemory;
  return {
    kind: 'share',
    have: slots,
    need: slots + more,
    subject: job.jobId,
    message: `${which} ${counted(slots, 'slot')}, ${taken} taken by its studio; it could use ${more} more: ${WAYS_OUT.addNode} on another machine`,
  };
}
