import { expect, test } from 'vitest';
import { type JobId, jobIdSchema } from '#shared/domain/ids.js';
import { StrayPurges } from './stray-purges.js';

const [STUCK, OTHER]: JobId[] = [jobIdSchema.parse('stuck'), jobIdSchema.parse('other')];

test('a job whose end is stuck holds no other one back, and is cleared once it is through', async () => {
  let finishEnd: () => void = () => undefined;
  const end = new Promise<void>((resolve) => {
    finishEnd = resolve;
  });
  const cleared: JobId[] = [];
  const lines: unknown[] = [];
  const log = { info: () => undefined, warn: (...line: unknown[]) => lines.push(line) };
  const found = new Set<JobId>();
  const purges = new StrayPurges({
    signal: new AbortController().signal,
    log: log as never,
    async clear(jobId) {
      if (jobId === STUCK) await end;
      cleared.push(jobId);
      if (jobId === OTHER && cleared.length === 1) throw new Error('no answer');
    },
    failed: (jobId) => found.add(jobId),
  });
  purges.start([STUCK!, OTHER!]);
  purges.start([STUCK!]);
  await expect.poll(() => [...found], { interval: 1 }).toEqual([OTHER]);
  expect(lines).toEqual([[{ jobId: OTHER, err: expect.any(Error) }, expect.stringContaining('not purged')]]);
  purges.start([STUCK!, OTHER!]);
  finishEnd();
  await purges.idle();
  expect(cleared.toSorted()).toEqual([OTHER, OTHER, STUCK]);
});
