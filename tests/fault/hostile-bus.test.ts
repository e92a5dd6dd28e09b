/** Whoever can reach the bus can write anything on it: it is logged and dropped, and the farm goes on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headers } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { agentConfig } from '#node-agent/config.js';
import { type RunningAgent, runAgent } from '#node-agent/main.js';
import { encodeMessage, RESULT_HEADER } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { resolveConfig } from '#shared/config.js';
import { type JobId, nodeIdSchema } from '#shared/domain/ids.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { waitUntil } from '#tests/support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let cacheDir: string;
let wanted: string[];
const agents: RunningAgent[] = [];

async function startAgent(nodeId: string): Promise<RunningAgent> {
  const agent = await runAgent({
    ...resolveConfig(agentConfig, {}),
    natsUrl: farm.config.natsUrl,
    prefix: 'test',
    coordinatorAddress: farm.client.address,
    nodeId: nodeIdSchema.parse(nodeId),
    slots: 1,
    cacheDir,
    cacheBytesMax: 2 ** 30,
    graceMs: 1_000,
    slotMemoryBytes: 0,
    logLevel: 'silent',
  });
  agents.push(agent);
  return agent;
}
const stopAgents = () => Promise.all(agents.splice(0).map((agent) => agent.close(1_000)));

/** 36 tiles. */
const job = (costMsPerTile: number) =>
  studio
    .submit(spec({ settings: { ...spec().settings, synthetic: { costMsPerTile } } }))
    .then((answer) => answer.job!.jobId);

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'guian-hostile-'));
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.startProcess();
  await studio.upload(SCENE);
  await startAgent('undisturbed');
  const jobId = await job(0);
  await studio.state(jobId, 'finished');
  wanted = await pixelDigests(studio, jobId);
  await stopAgents();
});
afterEach(async () => {
  await stopAgents();
  if (farm.isUp) await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
  await rm(cacheDir, { recursive: true, force: true });
});

const GARBAGE = ['', 'not json', '{}', '[null]', '{"jobId": 3}', 'x'.repeat(100_000), '\u0000\u0001'].map(
  (text) => new TextEncoder().encode(text),
);

/** Garbage, and well-formed lies, on every subject of a job. */
function attack(jobId: JobId, nodeId: string): void {
  const { connection, names } = farm.bus;
  for (const data of GARBAGE) {
    connection.publish(`test.heartbeat.${nodeId}`, data);
    connection.publish('test.heartbeat.ghost', data);
    connection.publish(names.event(jobId), data);
    for (const subject of [
      `${jobId}.1.0.1.0`,
      `${jobId}.x`,
      'nobody.1.0.1.0',
      'a$b.1.2',
      'c/d.1.1.1',
      'alone',
    ]) {
      connection.publish(`test.results.${subject}`, data);
      const lying = headers();
      lying.set(RESULT_HEADER, new TextDecoder().decode(data.subarray(0, 100)).replace(/[^ -~]/g, ''));
      connection.publish(`test.results.${subject}`, data, { headers: lying });
    }
    for (const subject of [
      `${jobId}.garbage`,
      `${jobId}.1.1.77`,
      'nobody.1.1.1',
      'a$b.1',
      'c/d.1.1.1',
      'alone',
    ])
      connection.publish(`test.tiles.${subject}`, data);
  }
  const whole = { x0: 0, y0: 0, x1: 32_768, y1: 32_768 };
  const tile = { jobId, planId: 'plan', frame: 1, tile: 1, attempt: 78, region: whole };
  // Beyond the frame; another tile's; another job's.
  connection.publish(`test.tiles.${jobId}.1.1.78`, encodeMessage(tile));
  connection.publish(`test.tiles.${jobId}.1.2.79`, encodeMessage(tile));
  connection.publish(`test.tiles.${jobId}.1.3.80`, encodeMessage({ ...tile, jobId: 'other-job', tile: 3 }));
  const event = { atMs: 1, jobId, kind: 'finished', state: 'finished', message: 'all done, believe me' };
  connection.publish(names.event(jobId), encodeMessage(event));
}

describe('a farm whose bus anybody writes on', () => {
  it('drops and logs what is no message of its own, and renders the right pixels', async () => {
    await startAgent('one');
    const jobId = (await job(100)) as JobId;
    const watching = studio.watch(jobId);
    await waitUntil(async () => (await studio.get(jobId)).progress!.tilesDone >= 3, {
      describe: 'a job in the middle',
    });
    attack(jobId, 'one');
    const { kvm, names, jsm } = farm.bus;
    const assignments = await retryCall('open', () => kvm.open(names.assignmentsBucket));
    const jobs = await retryCall('open', () => kvm.open(names.jobsBucket));
    await retryCall('put', () => assignments.put('one', 'garbage'));
    await retryCall('put', () => assignments.put('two', '{"jobs": [{"jobId": "../../etc"}]}'));
    await retryCall('put', () => jobs.put(jobId, 'garbage'));
    await jsm.consumers.delete(names.tilesStream, jobId);
    // It reads the garbage first, and works once the coordinator has seen to it; the first one is gone by then.
    const two = await startAgent('two');
    await agents[0]!.close(0);
    const kept = await studio.ended(jobId);
    expect(kept.at(-1)).toMatchObject({ kind: 'finished', message: 'all 3 frames finished' });
    // Who watched was not told of the end by the one who lied.
    const watched = await watching;
    expect(watched.at(-1)).toMatchObject({ kind: 'finished' });
    expect(watched.map(({ message }) => message)).not.toContain('all done, believe me');
    expect(await pixelDigests(studio, jobId)).toEqual(wanted);
    expect(two.nodeId).toBe('two');
    const logged = () =>
      new Set([...farm.processLog.matchAll(/"msg":"([^"]*)"/g)].map(([, phrase]) => phrase));
    for (const phrase of [
      'result dropped',
      'heartbeat dropped',
      'event dropped',
      'assignments were overwritten',
      'job repaired',
    ])
      await waitUntil(() => logged().has(phrase), {
        describe: () => `"${phrase}" in the log, which has ${[...logged()]}`,
      });
    await studio.cleared(jobId);
  });

  it('starts whatever lies on its streams, and takes what is no subject of its own away', async () => {
    await farm.killProcess();
    const { jsm, kvm, names, connection } = farm.bus;
    attack('long-gone' as JobId, 'ghost');
    await connection.flush();
    const jobs = await retryCall('open', () => kvm.open(names.jobsBucket));
    await retryCall('put', () => jobs.put('a/b=c.d', 'garbage'));
    await farm.startProcess();
    await waitUntil(
      async () => {
        const streams = await Promise.all(
          [names.tilesStream, names.resultsStream].map((name) =>
            retryCall('look', () => jsm.streams.info(name)),
          ),
        );
        return streams.every((info) => info.state.messages === 0);
      },
      { describe: 'empty streams' },
    );
  });

  it('warns of two agents with one node id and one cache, and renders the right pixels', async () => {
    await Promise.all([startAgent('twin'), startAgent('twin')]);
    const jobId = await job(60);
    await waitUntil(() => farm.processLog.includes('two agents use one node id'), {
      describe: 'a warning',
    });
    await studio.state(jobId, 'finished');
    expect(await pixelDigests(studio, jobId)).toEqual(wanted);
    await studio.cleared(jobId);
  });
});
