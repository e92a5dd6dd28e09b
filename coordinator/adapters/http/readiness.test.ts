import { expect, it } from 'vitest';
import { Readiness } from './readiness.js';

const never = new Promise<never>(() => undefined);

it('whatever does not answer, or says no, is named, each for itself', async () => {
  const checks = [
    { trouble: 'the first is well', ask: async () => undefined },
    { trouble: 'the second says no', ask: () => Promise.reject(new Error('closed')) },
    { trouble: 'the third hangs', ask: () => never },
  ];
  expect(await new Readiness(checks.slice(0, 1), 20).look()).toEqual([]);
  expect(await new Readiness(checks, 20).look()).toEqual([
    { trouble: 'the second says no', reason: 'closed' },
    { trouble: 'the third hangs', reason: 'no answer in 20 ms' },
  ]);
});

it('what hangs is asked once however often somebody looks, and again when it has answered', async () => {
  let asked = 0;
  let answer = () => {};
  const ask = () => {
    asked++;
    return new Promise<void>((resolve) => {
      answer = resolve;
    });
  };
  const readiness = new Readiness([{ trouble: 'it hangs', ask }], 10);
  for (const _ of [1, 2, 3]) expect(await readiness.look()).toHaveLength(1);
  expect(asked).toBe(1);
  const looking = readiness.look();
  answer();
  expect(await looking).toEqual([]);
  const again = readiness.look();
  expect(asked).toBe(2);
  answer();
  expect(await again).toEqual([]);
});
