import { expect, it } from 'vitest';
import { newJobId } from '#shared/domain/ids.js';
import { JobTurns } from './job-turns.js';

it('does what concerns one job one after the other, whatever fails, and other jobs meanwhile', async () => {
  const turns = new JobTurns();
  const [one, other] = [newJobId('one'), newJobId('other')];
  const done: string[] = [];
  let finish = () => {};
  const first = turns.take(one, async () => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    done.push('first');
    throw new Error('first fails');
  });
  const second = turns.take(one, async () => done.push('second'));
  await turns.take(other, async () => done.push('other'));
  expect(done).toEqual(['other']);
  finish();
  await expect(first).rejects.toThrow('first fails');
  await second;
  expect(done).toEqual(['other', 'first', 'second']);
});
