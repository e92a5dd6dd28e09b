/**
 * Thousands of farms that never were: virtual time, one seed each, and whatever can go wrong with agents, coordinator,
 * server and messages. `GUIAN_SIM_SEED=7` runs one of them, `GUIAN_SIM_FARMS=100000` more than CI has time for, from
 * `GUIAN_SIM_FIRST` on.
 */
import { describe, expect, it } from 'vitest';
import type { Sabotage } from './farm-plan.js';
import { simulateFarm } from './simulate-farm.js';

/** About 20 s. */
const FARMS_IN_CI = 4_000;
/** A break that shows in one farm of so many is noticed. */
const SABOTAGED_FARMS = 400;
const FAILURES_SHOWN = 20;
const LONG_MS = 24 * 3_600_000;

const seedText = process.env['GUIAN_SIM_SEED'];
const farms = Number(process.env['GUIAN_SIM_FARMS'] ?? FARMS_IN_CI);
const firstSeed = Number(process.env['GUIAN_SIM_FIRST'] ?? 1);

/** Each break, and the promises of which one must be found broken. */
const BREAKS: readonly (readonly [Sabotage, RegExp])[] = [
  ['lost nodes are ignored', /tiles of lost nodes go to others at once|a tile ends few agents/],
  ['failures count twice', /only real failures count/],
  ['avoid lists are dropped', /a node does not get a tile twice/],
  ['missing tiles are not looked for', /every job ends/],
  ['second opinions are not asked for', /two nodes agree on a verified tile|pixels are right/],
  ['ended jobs are not cleared', /nothing is left behind/],
  ['losses are not counted', /a tile ends few agents/],
  ['nobody is blamed', /a bad node is blocked/],
  ['tiles that wait for a slot are taken for lost', /no tile that waits for a slot is told as lost/],
];

describe('a simulated farm', () => {
  it('keeps every promise, whatever happens to it', { timeout: LONG_MS }, () => {
    if (seedText !== undefined) {
      simulateFarm(Number(seedText));
      return;
    }
    const totals = {
      events: 0,
      attempts: 0,
      failures: 0,
      framesFinished: 0,
      framesFailed: 0,
      agentsKilledByTiles: 0,
      toldWithoutNode: 0,
    };
    const failures: string[] = [];
    const startedAtMs = performance.now();
    let seed = firstSeed;
    for (; seed < firstSeed + farms && failures.length < FAILURES_SHOWN; seed++) {
      try {
        const run = simulateFarm(seed);
        for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += run[key];
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    const seconds = (performance.now() - startedAtMs) / 1000;
    const count = seed - firstSeed;
    console.log(
      `${count} farms in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} a second:`,
      totals,
    );
    const all = failures.map((text) => text.split('\n')[0]).join('\n');
    expect(failures.length, `${all}\n\n${failures[0] ?? ''}`).toBe(0);
  });

  it('is the same farm whenever its seed is the same', () => {
    for (const seed of [3, 33, 333]) expect(simulateFarm(seed)).toEqual(simulateFarm(seed));
  });

  for (const [sabotage, promise] of BREAKS)
    it(`is caught when ${sabotage}`, () => {
      let caught = '';
      for (let seed = 1; seed <= SABOTAGED_FARMS && !promise.test(caught); seed++) {
        try {
          simulateFarm(seed, { sabotage });
        } catch (error) {
          caught = (error as Error).message.split('\n')[0] ?? '';
        }
      }
      expect(caught).toMatch(promise);
    });
});
