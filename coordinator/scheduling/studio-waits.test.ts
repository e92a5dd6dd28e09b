import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trespasses } from '#tests/support/scheduling/check-allocation.js';
import { aJob, aNode, jobId, studio } from '#tests/support/scheduling/random-farm.js';
import { AGEING_MS, type Ageing, ageOn, effectivePriority, NOT_AGED } from './ageing.js';
import { Allocator } from './allocator.js';
import type { FarmJob, FarmNode, SchedulingPolicy } from './farm-model.js';
import { StudioWaits } from './studio-waits.js';

const NO_POLICY: SchedulingPolicy = { studios: new Map(), licences: new Map() };
const LOOKS_PER_STEP = 4;

/** Ageing and allocation, as the shell joins them, in a time of their own. */
class SmallFarm {
  readonly allocator = new Allocator();
  readonly nodes: readonly FarmNode[];
  readonly policy: SchedulingPolicy;
  readonly jobs = new Map<string, FarmJob>();
  private readonly waits = new StudioWaits();
  private readonly ages = new Map<string, Ageing>();
  private nowMs = 0;

  constructor(nodes: readonly FarmNode[], policy: SchedulingPolicy = NO_POLICY) {
    this.nodes = nodes;
    this.policy = policy;
    this.allocator.setPolicy(policy);
    for (const node of nodes) this.allocator.setNode(node);
  }

  submit(job: FarmJob): void {
    this.jobs.set(job.jobId, job);
    this.ages.set(job.jobId, NOT_AGED);
  }

  end(job: FarmJob): void {
    this.jobs.delete(job.jobId);
    this.allocator.removeJob(job.jobId);
  }

  /** A quarter of a step goes by. */
  look(): void {
    this.nowMs += AGEING_MS / LOOKS_PER_STEP;
    const slotsOf = (id: FarmJob['jobId']) => this.allocator.slotsOf(id);
    const waits = this.waits.look(this.jobs.values(), slotsOf, this.nowMs);
    if (waits) this.allocator.setWaits(waits);
    for (const job of this.jobs.values()) {
      const age = ageOn(this.ages.get(job.jobId)!, job.demand > 0, slotsOf(job.jobId), this.nowMs);
      this.ages.set(job.jobId, age);
      this.allocator.setJob({ ...job, priority: effectivePriority(job.priority, age) });
    }
    this.allocator.settle();
    const now = this.allocator.allocation();
    expect(
      trespasses({ nodes: this.nodes, jobs: [...this.jobs.values()], policy: this.policy }, now),
    ).toEqual([]);
    // Decided again it is the same.
    this.allocator.setPolicy(this.policy);
    expect(this.allocator.settle().changedNodes.size).toBe(0);
  }

  has(job: FarmJob): boolean {
    return this.allocator.slotsOf(job.jobId) > 0;
  }
}

describe('studios that wait', () => {
  it('take turns where they are more than slots, each within two minutes for every studio', () => {
    const studios = fc.array(fc.record({ share: fc.constantFrom(1, 2, 5), priority: fc.nat(100) }), {
      minLength: 2,
      maxLength: 7,
    });
    fc.assert(
      fc.property(studios, fc.integer({ min: 1, max: 3 }), (all, slots) => {
        const shares = new Map(all.map(({ share }, index) => [studio(index), { share, maxSlots: 0 }]));
        const farm = new SmallFarm([aNode(0, { slots })], { studios: shares, licences: new Map() });
        const jobs = all.map(({ priority }, index) => aJob(index, { priority, studio: studio(index) }));
        for (const job of jobs) farm.submit(job);
        const looksWithout = jobs.map(() => 0);
        for (let look = 0; look < 4 * LOOKS_PER_STEP * jobs.length; look++) {
          farm.look();
          for (const [index, job] of jobs.entries()) {
            looksWithout[index] = farm.has(job) ? 0 : looksWithout[index]! + 1;
            expect(looksWithout[index]).toBeLessThanOrEqual(2 * jobs.length * LOOKS_PER_STEP);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each(['slot', 'node'] as const)('take turns at one token by %s, behind an endless stream too', (per) => {
    const licences = new Map([['denoiser', { total: 1, per }]]);
    const farm = new SmallFarm([aNode(0), aNode(1)], { studios: new Map(), licences });
    const needs = { licences: ['denoiser'], demand: 1 };
    // The one that waits has many slots for other jobs: by slots it is the richer studio.
    farm.submit(aJob(0, { studio: studio(1) }));
    const waiting = aJob(1, { ...needs, studio: studio(1) });
    let stream = aJob(2, { ...needs, demand: 1_000 });
    farm.submit(stream);
    farm.look();
    farm.submit(waiting);
    let served = 0;
    let ofStream = 0;
    for (let look = 0; look < 40 * LOOKS_PER_STEP; look++) {
      if (look % 3 === 0) {
        farm.end(stream);
        stream = aJob(3 + look, { ...needs, demand: 1_000, priority: 100 });
        farm.submit(stream);
      }
      farm.look();
      if (farm.has(waiting)) served += 1;
      if (farm.has(stream)) ofStream += 1;
    }
    expect(served).toBeGreaterThanOrEqual(8 * LOOKS_PER_STEP);
    expect(ofStream).toBeGreaterThanOrEqual(10 * LOOKS_PER_STEP);
  });

  it('do not take the slot of a more important job of their own', () => {
    const licences = new Map([['denoiser', { total: 1, per: 'slot' as const }]]);
    const farm = new SmallFarm([aNode(0, { slots: 2 })], { studios: new Map(), licences });
    const important = aJob(0, { studio: studio(1), priority: 90 });
    const waiting = aJob(1, { studio: studio(1), priority: 50, licences: ['denoiser'] });
    for (const job of [aJob(2, { licences: ['denoiser'] }), important, waiting]) farm.submit(job);
    for (let look = 0; look < 30 * LOOKS_PER_STEP; look++) {
      farm.look();
      expect(farm.has(important)).toBe(true);
      expect(farm.has(waiting)).toBe(false);
    }
  });

  it('are told anew only when a step has gone by', () => {
    const waits = new StudioWaits();
    const jobs = [aJob(0), aJob(1, { studio: studio(1), licences: ['denoiser'] })];
    const slotsOf = (id: string) => (id === jobId(0) ? 1 : 0);
    expect(waits.look(jobs, slotsOf, 0)).toBeUndefined();
    expect(waits.nextAtMs()).toBe(AGEING_MS);
    expect(waits.look(jobs, slotsOf, AGEING_MS - 1)).toBeUndefined();
    const told = waits.look(jobs, slotsOf, AGEING_MS);
    expect(told?.studios).toEqual(new Map([[studio(1), 1]]));
    expect(told?.licences).toEqual(new Map([['denoiser', new Map([[studio(1), 1]])]]));
    expect(waits.look([], slotsOf, 2 * AGEING_MS)).toEqual({ studios: new Map(), licences: new Map() });
    expect(waits.look([], slotsOf, 3 * AGEING_MS)).toBeUndefined();
    expect(waits.nextAtMs()).toBeUndefined();
  });
});
