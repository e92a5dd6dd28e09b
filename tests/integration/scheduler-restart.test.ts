/** What a coordinator that was killed knows when it starts again: shares, priorities, and who is there before it advises. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminCalls } from '../support/admin-calls.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { schedulerCalls } from '../support/scheduler-calls.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let admin: ReturnType<typeof adminCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  admin = adminCalls(farm);
  await farm.startProcess();
  await studio.upload(SCENE);
});
afterAll(async () => {
  await farm?.[Symbol.asyncDispose]();
});

const slotsOf = async (jobIds: readonly string[]) =>
  await Promise.all(jobIds.map(async (jobId) => (await studio.get(jobId)).slots));
const untilSlots = (jobIds: readonly string[], wanted: readonly number[]) =>
  waitUntil(async () => String(await slotsOf(jobIds)) === String(wanted), {
    timeoutMs: TIMEOUT_MS,
    describe: `slots ${wanted}`,
  });

it('after a kill, shares and changed priorities are in force as before, and advice counts the nodes', async () => {
  using _node = startFakeNode(farm.bus, 'wide', { slots: 4, assignmentRevision: 0 });
  await admin.setStudio({ name: 'three', share: 3 });
  const submit = async (owner: string) => (await studio.submit(spec({ studio: owner }))).job!.jobId;
  const jobIds = [await submit('three'), await submit('three'), await submit('one')];
  await untilSlots(jobIds, [2, 1, 1]);
  await admin.control({ jobId: jobIds[1]!, priority: 80 });
  await untilSlots(jobIds, [0, 3, 1]);
  const told = async () => (await schedulerCalls(farm).assignmentOf('wide')).jobs;
  await waitUntil(async () => (await told()).length === 2, { describe: 'it is written' });
  const before = await told();
  await farm.killProcess();
  await farm.startProcess();
  // Asked before the node has spoken: it waits until it is known who is there.
  const [advice] = await admin.scaleAdvice();
  expect(advice).toMatchObject({ pool: '', slots: 4 });
  await untilSlots(jobIds, [0, 3, 1]);
  expect(await told()).toEqual(before);
  expect(await studio.get(jobIds[1]!)).toMatchObject({ priority: 80 });
  await admin.control({ jobId: jobIds[0]!, priority: 90 });
  await untilSlots(jobIds, [3, 0, 1]);
});
