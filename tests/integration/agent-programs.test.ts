import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readProcess } from '#node-agent/renderers/program/process-tree.js';
import { decodeMessage, type Heartbeat, heartbeatSchema } from '#shared/bus/messages.js';
import type { JobRecord } from '#shared/domain/job.js';
import { type AgentFarm, startAgentFarm } from '#tests/support/agent-farm.js';
import { heartbeatLog } from '#tests/support/heartbeat-log.js';
import { FLAT_USE, writeFlatRenderer } from '#tests/support/module-renderer.js';
import { waitUntil } from '#tests/support/wait-until.js';

const PROGRAM = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

let folder = '';
let notes = '';
let module = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-agent-programs-'));
  notes = join(folder, 'notes');
  await mkdir(notes);
  module = await writeFlatRenderer(folder, notes);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const flatJob = (farm: AgentFarm): JobRecord => ({
  ...farm.job(farm.blobs.add({ 'a.flat': 'flat' }), { renderer: 'flat' }),
  rendererVersion: '1.0.0',
});

/** The latest heartbeat that satisfies the condition. */
async function heartbeatWith(farm: AgentFarm, condition: (beat: Heartbeat) => boolean): Promise<Heartbeat> {
  let last: Heartbeat | undefined;
  const subscription = farm.bus.connection.subscribe(farm.bus.names.heartbeatsAll, {
    callback: (_, message) => {
      last = decodeMessage(heartbeatSchema, message.data, 'heartbeat');
    },
  });
  try {
    const describe = () => `a heartbeat as wanted; the last: ${JSON.stringify(last)}`;
    return await waitUntil(() => (last && condition(last) ? last : undefined), { describe });
  } finally {
    subscription.unsubscribe();
  }
}

const has = (name: string) => (beat: Heartbeat) => beat.renderers.some((renderer) => renderer.name === name);

test("a module's renderer is announced, and its tiles carry its name, version and cost", async () => {
  await using farm = await startAgentFarm();
  const record = flatJob(farm);
  await farm.queue(record, 1, 32);
  await farm.startAgent({ programs: { rendererModules: [module], sandbox: 'off' } });
  const beat = await heartbeatWith(farm, has('flat'));
  expect(beat.renderers).toContainEqual({ name: 'flat', version: '1.0.0' });
  expect(beat.sandbox).toBe('off (--sandbox off)');
  await farm.assign('node-1', [record]);
  const results = await waitUntil(
    async () => {
      const all = await farm.results(record.jobId);
      return all.length === 4 ? all : undefined;
    },
    { describe: 'four results' },
  );
  for (const { meta } of results) {
    expect(meta.outcome.kind).toBe('rendered');
    expect(meta.renderer).toBe('flat 1.0.0');
    expect(meta.coreSeconds).toBeGreaterThanOrEqual(FLAT_USE.coreSeconds);
    expect(meta.peakMemoryBytes).toBe(FLAT_USE.peakMemoryBytes);
  }
});

test('a node says that it is there when its programs are known, and not without them before', async () => {
  await using farm = await startAgentFarm();
  using beats = heartbeatLog(farm);
  const slow = join(folder, 'slow-renderer.mjs');
  await writeFile(
    slow,
    `await new Promise((resolve) => setTimeout(resolve, 1000));\nexport * from ${JSON.stringify(module)};`,
  );
  await farm.startAgent({ programs: { rendererModules: [slow] } });
  const first = await waitUntil(() => beats.all[0], { describe: 'its first heartbeat' });
  expect(first.renderers.map(({ name }) => name)).toEqual(['gltf', 'synthetic', 'flat']);
});

test('a node whose search for programs hangs comes without them, and works', async () => {
  await using farm = await startAgentFarm();
  using beats = heartbeatLog(farm);
  const startMs = performance.now();
  const hanging = join(folder, 'blender-hangs');
  await writeFile(hanging, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
  await farm.startAgent({ programs: { blender: [hanging] } });
  expect(performance.now() - startMs).toBeLessThan(25_000);
  const first = await waitUntil(() => beats.all[0], { describe: 'its first heartbeat' });
  expect(first.renderers.map(({ name }) => name)).toEqual(['gltf', 'synthetic']);
  const record = farm.job(farm.blobs.add({ 'a.json': '{}' }));
  await farm.queue(record, 0, 32);
  await farm.assign('node-1', [record]);
  await waitUntil(async () => (await farm.results(record.jobId)).length === 4, { describe: 'its tiles' });
});

test('a job pinned to another version fails here with what is here, and not for good', async () => {
  await using farm = await startAgentFarm();
  const record = { ...flatJob(farm), rendererVersion: '2.0.0' };
  await farm.queue(record, 0, 64);
  await farm.startAgent({ programs: { rendererModules: [module] } });
  await farm.assign('node-1', [record]);
  const [result] = await waitUntil(
    async () => {
      const all = await farm.results(record.jobId);
      return all.length > 0 ? all : undefined;
    },
    { describe: 'a result' },
  );
  expect(result!.meta.outcome).toMatchObject({
    ...{ kind: 'failed', code: 'RENDERER_MISSING', permanent: false },
    message: 'this node has no flat 2.0.0; it has 1.0.0',
  });
});

describe('no program of a slot outlives its agent, and no scratch file the next start', () => {
  test.each(['close', 'SIGTERM', 'SIGKILL'] as const)('%s', async (end) => {
    await using farm = await startAgentFarm();
    const cacheDir = join(folder, 'cache');
    const programs = { rendererModules: [module] };
    const record = flatJob(farm);
    await farm.queue(record, 1, 16);
    await farm.assign('node-1', [record]);
    let stop: () => Promise<void>;
    if (end === 'close') {
      const agent = await farm.startAgent({ cacheDir, programs });
      // Its tile at 48,0 never ends.
      stop = () => agent.close(0);
    } else {
      const agent = startProcess(farm, cacheDir);
      stop = async () => {
        const exited = once(agent, 'exit');
        agent.kill(end);
        await exited;
      };
    }
    const pids = await waitUntil(
      async () => {
        const found = (await readdir(notes)).filter((name) => name.startsWith('child-'));
        return found.length > 0 ? found : undefined;
      },
      { describe: 'a program at work' },
    );
    const scratch = join(cacheDir, 'node-1', 'scratch');
    expect(await files(scratch)).not.toEqual([]);
    await stop();
    for (const pid of pids.map((name) => Number(name.slice('child-'.length))))
      await waitUntil(() => readProcess(pid)?.isZombie ?? true, { describe: `program ${pid} to be gone` });
    if (end !== 'SIGKILL') expect(await files(scratch)).toEqual([]);
    const next = await farm.startAgent({ cacheDir, nodeId: 'node-1' });
    expect(await files(scratch)).toEqual([]);
    await next.close(0);
  });
});

const files = async (path: string): Promise<string[]> => {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
};

function startProcess(farm: AgentFarm, cacheDir: string): ChildProcess {
  return spawn(
    process.execPath,
    [
      ...[
        PROGRAM,
        'agent',
        '--node-id',
        'node-1',
        '--slots',
        '2',
        '--nats',
        farm.nats.url,
        '--prefix',
        'test',
      ],
      ...[
        '--coordinator',
        farm.blobs.address,
        '--cache',
        cacheDir,
        '--grace',
        '0ms',
        '--log-level',
        'silent',
      ],
      ...['--renderer-module', module, '--blender', 'none', '--povray', 'none', '--sandbox', 'off'],
    ],
    { stdio: 'ignore' },
  );
}
