/** Without contact with the bus, an agent stops by itself what a licence or a limit binds, and nothing else. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { JobRecord } from '#shared/domain/job.js';
import { TIMES } from '#shared/limits.js';
import { type AgentFarm, startAgentFarm } from '#tests/support/agent-farm.js';
import { handOf, heartbeatLog } from '#tests/support/heartbeat-log.js';
import { NO_PROGRAMS } from '#tests/support/no-programs.js';
import { startTcpProxy } from '#tests/support/tcp-proxy.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { startGuian, testFolder } from './cli-program.js';

/** A look every 2 s, each of which counts from its beginning; and a busy machine. */
const EARLIER_MS_MAX = 4_000;
const LATER_MS_MAX = 3_000;

/** Tiles that end long after all of this. */
async function longJob(farm: AgentFarm, tiles = 2): Promise<JobRecord> {
  const record = farm.job(farm.blobs.add({ 'a.json': '{"waitMs": 600000}' }), {
    widthPx: 16 * tiles,
    heightPx: 16,
  });
  await farm.queue(record, 0, 16);
  return record;
}

test.concurrent('cut off, it aborts the tiles of capped jobs and begins none; with contact they go on', async () => {
  await using farm = await startAgentFarm();
  await using link = await startTcpProxy(farm.nats.port);
  const [capped, free] = [await longJob(farm), await longJob(farm, 1)];
  using beats = heartbeatLog(farm, true);
  const agent = await farm.startAgent({ slots: 2, natsUrl: `nats://127.0.0.1:${link.port}` });
  await farm.assignShares('node-1', [
    { record: capped, slots: 1, slotsMax: 1 },
    { record: free, slots: 1 },
  ]);
  await beats.next((beat) => handOf(beat, capped.jobId).atHand === 2, 'two tiles of the capped job');
  await beats.next((beat) => handOf(beat, free.jobId).rendering === 1, 'one of the other that renders');
  await waitUntil(() => agent.atWork.rendering === 2, { describe: 'a tile of each job in a slot' });
  const cutAtMs = performance.now();
  link.stall();
  await waitUntil(() => agent.atWork.rendering === 1, { describe: 'one tile aborted' });
  const tookMs = performance.now() - cutAtMs;
  expect(tookMs).toBeGreaterThan(TIMES.licenceFenceMs - EARLIER_MS_MAX);
  expect(tookMs).toBeLessThan(TIMES.licenceFenceMs + LATER_MS_MAX);
  process.stdout.write(`cut off, the tile of a capped job was aborted after ${Math.round(tookMs)} ms\n`);
  // Its other tile is at hand and ready, and its slot is free.
  await delay(500);
  expect(agent.atWork.rendering).toBe(1);
  link.flow();
  await waitUntil(() => agent.atWork.rendering === 2, { describe: 'a tile of the capped job again' });
  await beats.next((beat) => handOf(beat, capped.jobId).rendering === 1, 'it is told');
  expect([...(await farm.results(capped.jobId)), ...(await farm.results(free.jobId))]).toEqual([]);
});

test.concurrent('a bucket that no longer holds what it works by is no contact, until that is written again', async () => {
  await using farm = await startAgentFarm();
  const [capped, free] = [await longJob(farm), await longJob(farm, 1)];
  const agent = await farm.startAgent({ slots: 2 });
  const shares = [
    { record: capped, slots: 1, slotsMax: 1 },
    { record: free, slots: 1 },
  ];
  await farm.assignShares('node-1', shares);
  await waitUntil(() => agent.atWork.rendering === 2, { describe: 'a tile of each job' });
  const bucket = farm.bus.names.assignmentsBucket;
  await farm.bus.jsm.streams.delete(`KV_${bucket}`);
  await farm.bus.kvm.create(bucket, { history: 1 });
  await waitUntil(() => agent.atWork.rendering === 1, {
    timeoutMs: TIMES.licenceFenceMs + LATER_MS_MAX,
    describe: 'one tile aborted',
  });
  await farm.assignShares('node-1', shares);
  await waitUntil(() => agent.atWork.rendering === 2, { describe: 'a tile of the capped job again' });
});

test.concurrent('an agent that was stopped finds out by the clock, and aborts before it goes on', async () => {
  await using farm = await startAgentFarm();
  using folder = testFolder();
  const capped = await longJob(farm);
  using beats = heartbeatLog(farm, true);
  const agent = startGuian(
    [
      ...['agent', '--node-id', 'node-1', '--slots', '2', '--nats', farm.nats.url, '--prefix', 'test'],
      ...['--coordinator', farm.blobs.address, '--cache', folder.path, '--log-level', 'warn', ...NO_PROGRAMS],
    ],
    folder,
  );
  try {
    await farm.assignShares('node-1', [{ record: capped, slots: 1, slotsMax: 1 }]);
    const first = await beats.next(
      (beat) => handOf(beat, capped.jobId).rendering === 1,
      'a tile that renders',
    );
    const [[, tile] = []] = first.inHand[0]!.attempts;
    agent.child.kill('SIGSTOP');
    await delay(TIMES.licenceFenceMs + 500);
    expect(agent.output().stderr).toBe('');
    agent.child.kill('SIGCONT');
    await waitUntil(() => agent.output().stderr.includes('tiles of limited jobs aborted'), {
      timeoutMs: LATER_MS_MAX,
      describe: 'the abort in its log',
    });
    // What it held went back; with contact it renders the other tile.
    const next = await beats.next((beat) => {
      const [hand] = beat.inHand;
      return hand !== undefined && (hand.rendering ?? 0) > 0 && hand.attempts[0]![1] !== tile;
    }, 'the other tile');
    expect(handOf(next, capped.jobId).rendering).toBe(1);
    expect(await farm.results(capped.jobId)).toEqual([]);
  } finally {
    agent.child.kill('SIGKILL');
    await agent.ended;
  }
});
