/** What keeps an agent from its work is told, harms no other job, and is over by itself; or else the agent ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findNatsServer } from '#cli/farm/find-nats-server.js';
import { startNatsServer } from '#cli/farm/start-nats-server.js';
import { decodeMessage, type Heartbeat, heartbeatSchema } from '#shared/bus/messages.js';
import type { JobRecord } from '#shared/domain/job.js';
import { type AgentFarm, startAgentFarm } from '#tests/support/agent-farm.js';
import { NO_PROGRAMS } from '#tests/support/no-programs.js';
import { mountTinyDisk } from '#tests/support/tiny-disk.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { startGuian, testFolder } from './cli-program.js';

const KIB = 1024;
/** Of a wait that only ends in vain when the thing never comes. */
const TIMEOUT_MS = 60_000;

function heartbeats(farm: AgentFarm) {
  let last: Heartbeat | undefined;
  farm.bus.connection.subscribe(farm.bus.names.heartbeatsAll, {
    callback: (error, message) => {
      if (!error) last = decodeMessage(heartbeatSchema, message.data, 'heartbeat');
    },
  });
  return {
    troubles: () => last?.troubles ?? [],
    untilTrouble: (code: string) =>
      waitUntil(() => last?.troubles?.find((trouble) => trouble.code === code), {
        timeoutMs: TIMEOUT_MS,
        describe: () => `trouble ${code}; the last heartbeat says ${JSON.stringify(last)}`,
      }),
  };
}

async function untilDone(farm: AgentFarm, { jobId }: JobRecord, count: number) {
  await waitUntil(async () => (await farm.results(jobId)).length >= count, {
    timeoutMs: TIMEOUT_MS,
    describe: `${count} tiles of ${jobId}`,
  });
}

test('a job whose package does not fit on the disk waits and says why, others go on, and with room it is rendered', async () => {
  using disk = mountTinyDisk(4 * KIB * KIB);
  if (!disk) return;
  await using farm = await startAgentFarm();
  const big = farm.job(farm.blobs.add({ 'a.json': '{}', 'b.bin': randomBytes(1_500 * KIB) }));
  const small = farm.job(farm.blobs.add({ 'c.json': '{"costMs": 1}' }));
  await farm.queue(big, 0, 32);
  await farm.queue(small, 0, 32);
  const beats = heartbeats(farm);
  await farm.startAgent({ cacheDir: disk.path });
  disk.fill(200 * KIB);
  await farm.assign('node-1', [big, small]);
  const trouble = await beats.untilTrouble('DISK_FULL');
  expect(trouble.jobId).toBe(big.jobId);
  expect(trouble.message).toMatch(
    new RegExp(
      `^no space left for scene packages in ${disk.path}/node-1: 1\\.5 MiB needed, [\\d.]+ [KM]iB free, .*--cache$`,
    ),
  );
  await untilDone(farm, small, 4);
  expect(await farm.results(big.jobId)).toEqual([]);
  expect(beats.troubles()).toHaveLength(1);
  disk.empty();
  await untilDone(farm, big, 4);
  await waitUntil(() => beats.troubles().length === 0, {
    timeoutMs: TIMEOUT_MS,
    describe: 'no more trouble',
  });
});

test('a package that cannot be had is trouble after the third try, and none once it is there', async () => {
  await using farm = await startAgentFarm();
  const beats = heartbeats(farm);
  const manifest = farm.blobs.add({ 'a.json': '{}' });
  const missing = farm.job({
    ...manifest,
    files: [{ ...manifest.files[0]!, digest: '1'.repeat(64) }],
  } as typeof manifest);
  await farm.queue(missing, 0, 32);
  await farm.startAgent();
  await farm.assign('node-1', [missing]);
  expect(await beats.untilTrouble('BLOB_NOT_FOUND')).toMatchObject({ jobId: missing.jobId });
  await farm.assign('node-1', []);
  await waitUntil(() => beats.troubles().length === 0, {
    timeoutMs: TIMEOUT_MS,
    describe: 'no more trouble',
  });
  // The coordinator goes away.
  const late = farm.job(farm.blobs.add({ 'b.json': '{}' }));
  await farm.queue(late, 0, 32);
  await farm.blobs[Symbol.asyncDispose]();
  await farm.assign('node-1', [late]);
  expect(await beats.untilTrouble('COORDINATOR_UNAVAILABLE')).toMatchObject({ jobId: late.jobId });
});

test('an agent that is told to stop while the server is away waits no longer than for its grace', async () => {
  await using farm = await startAgentFarm();
  const record = farm.job(farm.blobs.add({ 'a.json': '{}' }), { syntheticCostMs: 60_000 });
  await farm.queue(record, 0, 32);
  const agent = await farm.startAgent();
  await farm.assign('node-1', [record]);
  await waitUntil(() => agent.atWork.rendering === 2, {
    timeoutMs: TIMEOUT_MS,
    describe: 'two tiles rendering',
  });
  farm.nats.kill();
  await farm.nats.exited;
  const startMs = performance.now();
  await agent.close(500);
  // The tiles take a minute, and calls to a server that is away are made again for ever.
  expect(performance.now() - startMs).toBeLessThan(500 + 15_000);
  await farm.restartNats();
});

test('agent and coordinator that the server shuts out say so and end with an error', async () => {
  using folder = testFolder();
  const storeDir = join(folder.path, 'jetstream');
  const nats = await startNatsServer({ storeDir });
  const bus = ['--nats', nats.url, '--log-level', 'error'];
  const coordinator = startGuian(
    ['coordinator', '--listen', '127.0.0.1:0', '--store', join(folder.path, 'store'), ...bus],
    folder,
  );
  const agent = startGuian(['agent', '--slots', '1', '--cache', folder.work, ...NO_PROGRAMS, ...bus], folder);
  const programs = [coordinator, agent];
  let strict: ChildProcess | undefined;
  try {
    await waitUntil(() => programs.every((program) => program.output().stdout.includes('ready')), {
      timeoutMs: TIMEOUT_MS,
      describe: () => JSON.stringify(programs.map((program) => program.output())),
    });
    await nats.stop();
    const credentials = ['--user', 'somebody', '--pass', 'else'];
    strict = spawn(
      findNatsServer().path,
      ['-a', '127.0.0.1', '-p', String(nats.port), '-js', '-sd', storeDir, ...credentials],
      { stdio: 'ignore' },
    );
    for (const program of programs) {
      const { code, stderr } = await program.ended;
      expect(stderr).toMatch(/closed the connection for good \(.*authorization violation.*\)/i);
      expect(code).toBe(2);
    }
  } finally {
    for (const program of programs) program.child.kill('SIGKILL');
    strict?.kill();
    if (strict && strict.exitCode === null) await once(strict, 'exit');
  }
});
