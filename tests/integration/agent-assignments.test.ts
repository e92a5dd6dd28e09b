/** An agent does what its assignment says: slots, caps, and what becomes of the tiles of jobs that are taken away. */
import { expect, test } from 'vitest';
import type { JobRecord } from '#shared/domain/job.js';
import { type AgentFarm, startAgentFarm } from '#tests/support/agent-farm.js';
import { handOf, heartbeatLog } from '#tests/support/heartbeat-log.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** 64 tiles that take so long without work, so that four slots need no four cores. */
async function waitingJob(farm: AgentFarm, waitMs: number): Promise<JobRecord> {
  const record = farm.job(farm.blobs.add({ 'a.json': JSON.stringify({ waitMs }) }), {
    ...{ widthPx: 128, heightPx: 128 },
  });
  await farm.queue(record, 0, 16);
  return record;
}

const doneOf = async (farm: AgentFarm, { jobId }: JobRecord): Promise<number> =>
  (await farm.results(jobId)).filter(({ meta }) => meta.outcome.kind === 'rendered').length;

test('slots are shared as assigned, at the end of the tiles that render', async () => {
  await using farm = await startAgentFarm();
  const [first, second] = [await waitingJob(farm, 150), await waitingJob(farm, 150)];
  using beats = heartbeatLog(farm, true);
  await farm.startAgent({ slots: 4 });
  await farm.assignShares('node-1', [{ record: first, slots: 1 }]);
  const alone = (beat: Parameters<typeof handOf>[0]) => handOf(beat, first.jobId).rendering === 4;
  await beats.next(alone, 'a job alone that bursts into all slots');
  await farm.assignShares('node-1', [
    { record: first, slots: 1 },
    { record: second, slots: 3 },
  ]);
  const shares = (beat: Parameters<typeof handOf>[0]) =>
    [first, second].map(({ jobId }) => handOf(beat, jobId).rendering);
  await beats.next((beat) => String(shares(beat)) === '1,3', 'one and three slots');
  const before = [await doneOf(farm, first), await doneOf(farm, second)];
  await waitUntil(async () => (await doneOf(farm, second)) >= before[1]! + 12, { describe: '12 more tiles' });
  const [ones, threes] = [
    (await doneOf(farm, first)) - before[0]!,
    (await doneOf(farm, second)) - before[1]!,
  ];
  // One to three, but for slots that one of them had for a moment in which no tile of the other was at hand.
  expect(ones, `beside ${threes} of the other`).toBeLessThanOrEqual(threes / 2);
  expect(ones).toBeGreaterThan(0);
});

test('a cap is never passed, and lowered it lets run what runs', async () => {
  await using farm = await startAgentFarm();
  const capped = await waitingJob(farm, 60);
  using beats = heartbeatLog(farm, true);
  await farm.startAgent({ slots: 4 });
  await farm.assignShares('node-1', [{ record: capped, slots: 2, slotsMax: 2 }]);
  await waitUntil(async () => (await doneOf(farm, capped)) >= 8, { describe: '8 tiles' });
  const revision = await farm.assignShares('node-1', [{ record: capped, slots: 1, slotsMax: 1 }]);
  await waitUntil(async () => (await doneOf(farm, capped)) >= 20, { describe: '20 tiles' });
  const hands = beats.all.map((beat) => ({
    isLowered: (beat.assignmentRevision ?? 0) >= revision,
    ...handOf(beat, capped.jobId),
  }));
  expect(Math.max(...hands.map(({ rendering }) => rendering))).toBe(2);
  const lowered = hands.filter(({ isLowered }) => isLowered);
  const settled = lowered.findIndex(({ rendering }) => rendering <= 1);
  expect(settled).toBeGreaterThanOrEqual(0);
  for (const { rendering } of lowered.slice(settled)) expect(rendering).toBeLessThanOrEqual(1);
  expect((await farm.results(capped.jobId)).every(({ meta }) => meta.attempt === 1)).toBe(true);
});

test('a job to be finished ends what renders, hands back the rest at once, and goes on when it comes back', async () => {
  await using farm = await startAgentFarm();
  const [old, next] = [await waitingJob(farm, 1_000), await waitingJob(farm, 50)];
  using beats = heartbeatLog(farm, true);
  await farm.startAgent({ slots: 2 });
  const oldShare = { record: old, slots: 2 };
  await farm.assignShares('node-1', [oldShare]);
  await beats.next((beat) => handOf(beat, old.jobId).rendering === 2, 'two tiles that render');
  await beats.next((beat) => handOf(beat, old.jobId).atHand === 4, 'two more at hand');
  const revision = await farm.assignShares('node-1', [{ record: next, slots: 2 }], [old]);
  const first = await beats.next((beat) => beat.assignmentRevision === revision, 'news of the assignment');
  expect(handOf(first, old.jobId)).toEqual({ rendering: 2, atHand: 2 });
  expect(await doneOf(farm, old), 'they render on').toBe(0);
  await beats.next((beat) => handOf(beat, old.jobId).rendering === 0, 'nothing of it that renders');
  await waitUntil(async () => (await doneOf(farm, old)) === 2, { describe: 'the two results' });
  await waitUntil(async () => (await doneOf(farm, next)) >= 4, { describe: 'tiles of the next job' });
  expect(await doneOf(farm, old)).toBe(2);
  await farm.assignShares('node-1', [oldShare]);
  await waitUntil(async () => (await doneOf(farm, old)) >= 4, { describe: 'it goes on' });
  const results = await farm.results(old.jobId);
  expect(results.every(({ meta }) => meta.outcome.kind === 'rendered' && meta.attempt === 1)).toBe(true);
});

test('a job that yields loses its youngest tiles at once, and does not burst into what another one comes for', async () => {
  await using farm = await startAgentFarm();
  const [long, next] = [await waitingJob(farm, 600_000), await waitingJob(farm, 20)];
  using beats = heartbeatLog(farm, true);
  await farm.startAgent({ slots: 4 });
  await farm.assignShares('node-1', [{ record: long, slots: 4 }]);
  const full = await beats.next((beat) => handOf(beat, long.jobId).rendering === 4, 'four tiles that render');
  await beats.next((beat) => handOf(beat, long.jobId).atHand === 8, 'four more at hand');
  const shares = [{ record: long, slots: 1, yields: true as const }];
  // Whoever comes for the slots is not there yet.
  const revision = await farm.assignShares('node-1', shares);
  const cut = await beats.next(
    (beat) => beat.assignmentRevision === revision && handOf(beat, long.jobId).rendering === 1,
    'three tiles aborted',
  );
  const kept = cut.inHand[0]!.attempts[0]!;
  expect(full.inHand[0]!.attempts.slice(0, 4).map(([, tile]) => tile)).toContain(kept[1]);
  await farm.assignShares('node-1', [...shares, { record: next, slots: 3 }]);
  await waitUntil(async () => (await doneOf(farm, next)) === 64, { describe: 'the whole next job' });
  const since = beats.all.filter((beat) => (beat.assignmentRevision ?? 0) > revision);
  expect(since.length).toBeGreaterThan(2);
  for (const beat of since) expect(handOf(beat, long.jobId).rendering).toBe(1);
  expect(since.at(-1)!.inHand.find(({ jobId }) => jobId === long.jobId)!.attempts[0]).toEqual(kept);
  expect(await farm.results(long.jobId), 'nothing has failed').toEqual([]);
});

test('an agent that comes new has nothing to finish, and tells what its admin says of the node', async () => {
  await using farm = await startAgentFarm();
  const record = await waitingJob(farm, 10);
  const revision = await farm.assignShares('node-1', [], [record]);
  using beats = heartbeatLog(farm);
  const gpu = { name: 'A100', memoryBytes: 80 * 2 ** 30 };
  const programs = { pools: ['gpu', 'night', 'gpu'], tags: ['avx2'], gpus: [[gpu, gpu]] };
  await farm.startAgent({ programs });
  const beat = await beats.next((one) => one.assignmentRevision === revision, 'the assignment applied');
  expect(beat).toMatchObject({ pools: ['gpu', 'night'], tags: ['avx2'], gpus: [gpu, gpu], jobIds: [] });
  expect(beats.all[0]?.assignmentRevision).toBe(0);
});
