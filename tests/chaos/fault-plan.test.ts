import { expect, it } from 'vitest';
import { FAULT_KINDS, type PlanOptions, planFaults } from './fault-plan.js';

const OPTIONS: PlanOptions = { seed: 7, durationMs: 600_000, killEveryMs: 10_000, agents: 4 };

it('a seed gives the same plan each time, another seed another', () => {
  expect(planFaults(OPTIONS)).toEqual(planFaults(OPTIONS));
  expect(planFaults({ ...OPTIONS, seed: 8 })).not.toEqual(planFaults(OPTIONS));
});

it('ten minutes hold every kind, on every agent, and a kill every ten seconds', () => {
  const plan = planFaults(OPTIONS);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
  const targets = new Set(plan.map(({ target }) => target).filter((target) => target.startsWith('agent')));
  expect([...targets].sort()).toEqual(['agent-1', 'agent-2', 'agent-3', 'agent-4']);
  const kills = plan.filter(({ kind }) => kind.endsWith('-kill')).length;
  expect(kills).toBeGreaterThan(45);
  expect(kills).toBeLessThan(75);
  expect(plan.every(({ atMs }) => atMs >= 0 && atMs < OPTIONS.durationMs)).toBe(true);
});

it('holds nothing but what was asked for', () => {
  const plan = planFaults({ ...OPTIONS, only: ['agent-kill', 'agent-cut'] });
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(['agent-kill', 'agent-cut']));
});

it('a longer run begins as a shorter one', () => {
  const short = planFaults({ ...OPTIONS, durationMs: 60_000 });
  expect(planFaults(OPTIONS).filter(({ atMs }) => atMs < 60_000)).toEqual(short);
});
