/**
 * For how long studios have had none of what their jobs need: no slot at all, or no token of a licence. Fair shares alone
 * would let a studio wait for ever where studios are more than slots or tokens, since whoever has one keeps it; so those
 * who have waited longer get their turn, and keep it for a minute (ageing.ts, of studios rather than jobs).
 */
import type { JobId, Studio } from '#shared/domain/ids.js';
import { type Ageing, ageOn, NOT_AGED, nextAgeingAtMs } from './ageing.js';
import type { FarmJob } from './farm-model.js';

/** Whose turn it is has waited longest of all until his minute is over. */
const TURN_STEPS = 1_000_000;

/** Whole steps of `AGEING_MS`; no entry: none. */
export interface Waits {
  /** Without any slot. */
  readonly studios: ReadonlyMap<Studio, number>;
  /** By licence: without a token of it. */
  readonly licences: ReadonlyMap<string, ReadonlyMap<Studio, number>>;
}

type WaitingJob = Pick<FarmJob, 'jobId' | 'studio' | 'gate' | 'demand' | 'licences'>;

/** Absent licence: any slot. */
interface Line {
  readonly studio: Studio;
  readonly licence: string | undefined;
  age: Ageing;
  wants: boolean;
  slots: number;
}

export class StudioWaits {
  private readonly lines = new Map<string, Line>();

  /**
   * Looks at who waits now. Cost: one pass over the jobs.
   * @param slotsOf  as they are decided.
   * @returns        the waits, if they are others than at the last look.
   */
  look(jobs: Iterable<WaitingJob>, slotsOf: (jobId: JobId) => number, nowMs: number): Waits | undefined {
    for (const line of this.lines.values()) Object.assign(line, { wants: false, slots: 0 });
    for (const job of jobs) {
      const slots = slotsOf(job.jobId);
      const wants = !job.gate && job.demand > 0;
      if (!wants && slots === 0) continue;
      for (const licence of [undefined, ...job.licences]) {
        const line = this.line(job.studio, licence);
        line.wants ||= wants;
        line.slots += slots;
      }
    }
    let hasChanged = false;
    for (const [key, line] of this.lines) {
      const { age } = line;
      line.age = ageOn(age, line.wants, line.slots, nowMs);
      if (stepsOf(line.age) !== stepsOf(age)) hasChanged = true;
      if (!line.wants && line.slots === 0) this.lines.delete(key);
    }
    return hasChanged ? this.waits() : undefined;
  }

  /** When time alone changes a wait. */
  nextAtMs(): number | undefined {
    let nextAtMs: number | undefined;
    for (const { age } of this.lines.values()) {
      const atMs = nextAgeingAtMs(0, age);
      if (atMs !== undefined) nextAtMs = Math.min(nextAtMs ?? atMs, atMs);
    }
    return nextAtMs;
  }

  private waits(): Waits {
    const studios = new Map<Studio, number>();
    const licences = new Map<string, Map<Studio, number>>();
    for (const { studio, licence, age } of this.lines.values()) {
      const steps = stepsOf(age);
      if (steps === 0) continue;
      if (licence === undefined) studios.set(studio, steps);
      else {
        const ofLicence = licences.get(licence) ?? new Map<Studio, number>();
        licences.set(licence, ofLicence.set(studio, steps));
      }
    }
    return { studios, licences };
  }

  private line(studio: Studio, licence: string | undefined): Line {
    const key = `${studio}/${licence ?? ''}`;
    let line = this.lines.get(key);
    if (!line) {
      line = { studio, licence, age: NOT_AGED, wants: false, slots: 0 };
      this.lines.set(key, line);
    }
    return line;
  }
}

function stepsOf({ servedSinceMs, steps }: Ageing): number {
  return servedSinceMs === undefined ? steps : TURN_STEPS;
}
