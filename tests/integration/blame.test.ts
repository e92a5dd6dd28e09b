/**
 * A machine on which everything fails, beside one on which everything works; real agents, a coordinator that is killed.
 * The fault is a file in the temporary folder of that agent alone: as long as it is there, every tile fails.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newIdempotencyKey } from '#shared/domain/ids.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { farmCalls, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';
import { guian, type RunningProgram, startGuian, testFolder } from './cli-program.js';

const FAULT = `guian-fault-${randomBytes(6).toString('hex')}`;
const TILES = [0, 32, 64].flatMap((y) => [0, 32, 64, 96].map((x) => `${x},${y}`));
/** Twelve tiles a frame. */
const scene = (changes: Record<string, unknown>) =>
  Buffer.from(JSON.stringify({ failTiles: TILES, failWhileFile: FAULT, ...changes }));
const QUICK = scene({ costMs: 30 });
const SLOW = scene({ costMs: 120 });
const POISON = scene({ costMs: 1, failWhileFile: undefined });

interface Site extends AsyncDisposable {
  readonly farm: CoordinatorFarm;
  readonly studio: ReturnType<typeof farmCalls>;
  breakNode(): void;
  mendNode(): void;
  node(nodeId: string): Promise<Node__Output | undefined>;
  submit(scene: Buffer, options?: { studio?: string; frames?: string }): Promise<string>;
  /** Events of a job, kept ones. */
  events(jobId: string, kind: string): Promise<{ nodeId: string; message: string }[]>;
  guian(...args: string[]): Promise<string>;
}

async function startSite(options: { forgiveAfterMs?: number } = {}): Promise<Site> {
  // The same one after a restart: agents find their scenes there.
  const listen = `127.0.0.1:${await freePort()}`;
  const farm = await startCoordinatorFarm({ ...options, listen });
  await farm.startProcess();
  const studio = farmCalls(farm);
  const folders = { good: testFolder(), bad: testFolder() };
  const fault = join(folders.bad.tmp, FAULT);
  writeFileSync(fault, '');
  const agents = Object.entries(folders).map(([nodeId, folder]): RunningProgram => {
    const to = ['--nats', farm.nats.url, '--prefix', farm.config.prefix, '--coordinator', listen];
    const own = ['--node-id', nodeId, '--slots', '1', '--cache', join(folder.path, 'cache')];
    return startGuian(['agent', ...to, ...own, '--log-level', 'warn'], folder);
  });
  const site: Site = {
    farm,
    studio,
    breakNode: () => writeFileSync(fault, ''),
    mendNode: () => rmSync(fault, { force: true }),
    node: async (nodeId) => (await studio.nodes()).find((one) => one.nodeId === nodeId),
    async submit(bytes, { studio: name = 'studio-a', frames = '1-3' } = {}) {
      const file = await uploaded(studio, bytes);
      const manifest = { entry: 's.json', files: [file] };
      const { job } = await studio.submit(spec({ manifest, frames, studio: name }), newIdempotencyKey());
      return job!.jobId;
    },
    events: async (jobId, kind) =>
      (await studio.watch(jobId, 0, true)).filter((event) => event.kind === kind),
    async guian(...args) {
      const ended = await guian([...args, '--coordinator', farm.client.address], folders.good);
      expect(ended.code, ended.stderr).toBe(0);
      return ended.stdout;
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents) agent.child.kill('SIGKILL');
      await Promise.all(agents.map((agent) => agent.ended));
      await farm[Symbol.asyncDispose]();
      for (const folder of Object.values(folders)) folder[Symbol.dispose]();
    },
  };
  await waitFor('both nodes', async () => (await site.node('good')) && (await site.node('bad')));
  return site;
}

/** Below those that the system gives to outgoing connections: it must still be free when the coordinator starts again. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

async function uploaded(studio: ReturnType<typeof farmCalls>, bytes: Buffer) {
  const digest = createHash('sha256').update(bytes).digest('hex');
  await studio.upload(bytes);
  return { path: 's.json', digest, sizeBytes: bytes.length };
}

const waitFor = <T>(describe: string, condition: () => T | Promise<T>) =>
  waitUntil(condition, { timeoutMs: TIMEOUT_MS, describe });

describe('a node on which every tile fails', () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterEach(async () => {
    if (!site.farm.isUp) await site.farm.startProcess();
    await site.studio.cancelAll();
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });
  const triesOfBad = async (jobId: string) =>
    (await site.events(jobId, 'attempt_failed')).filter(({ nodeId }) => nodeId === 'bad').length;
  /** Once those that it has told of are counted: the job fails as many attempts as its progress says. */
  const triesCounted = async (jobId: string) => {
    let told = 0;
    await waitFor('all failures are told', async () => {
      told = await triesOfBad(jobId);
      return told === (await site.studio.get(jobId)).progress!.attemptsFailed;
    });
    return told;
  };

  it('is blocked for the job after three of its tiles, also by a coordinator that was killed meanwhile', async () => {
    // Long enough for the time that a restarted coordinator gives other nodes to speak.
    const jobId = await site.submit(SLOW, { frames: '1-6' });
    await waitFor('bad is blocked', async () => (await site.node('bad'))?.blockedJobs.length === 1);
    await site.studio.told(jobId, 'node_blocked');
    expect(await site.node('bad')).toMatchObject({ state: 'ready', blockedJobs: [{ jobId }] });
    await waitFor('bad has no more of it', async () => {
      const bad = await site.node('bad');
      return bad?.slotsBusy === 0 && !bad.jobIds.includes(jobId);
    });
    const before = await triesCounted(jobId);
    expect(before).toBeGreaterThanOrEqual(3);
    // What was on its way when it was blocked.
    expect(before).toBeLessThanOrEqual(12);
    await site.farm.killProcess();
    await site.farm.startProcess();
    await waitFor('bad is blocked again', async () => (await site.node('bad'))?.blockedJobs.length === 1);
    await site.studio.ended(jobId);
    expect(await triesOfBad(jobId)).toBe(before);
    const blocked = await site.events(jobId, 'node_blocked');
    expect(blocked.map(({ nodeId }) => nodeId)).toEqual(['bad']);
    expect(blocked[0]!.message).toMatch(
      /^node bad gets no more tiles of it: .* last with RENDER_FAILED; until/,
    );
    expect(await site.events(jobId, 'node_forgiven')).toEqual([]);
    for (const frame of await site.studio.frames(jobId)) expect(frame.nodeIds).toEqual(['good']);
  });

  it('is quarantined when it fails for a second studio, though the job of the first has ended', async () => {
    // Long enough for three tries of one that is slowed down.
    const second = await site.submit(SLOW, { studio: 'studio-b', frames: '1-3' });
    await waitFor('bad is quarantined', async () => (await site.node('bad'))?.state === 'quarantined');
    await site.studio.told(second, 'node_quarantined');
    expect((await site.node('bad'))?.reason).toMatch(/^it failed tiles for 2 studios \(studio-a, studio-b\)/);
    const shown = await site.guian('nodes');
    expect(shown).toMatch(/^bad +quarantined /m);
    expect(shown).toMatch(/^bad: once it is mended: guian node forgive bad$/m);
    await site.studio.state(second, 'finished');
    const third = await site.submit(QUICK, { studio: 'studio-c', frames: '1' });
    await site.studio.ended(third);
    expect(await triesOfBad(third)).toBe(0);
  });

  it('works again once it is mended and forgiven by hand', async () => {
    site.mendNode();
    const jobId = await site.submit(SLOW, { frames: '1-30' });
    const answer = JSON.parse(await site.guian('node', 'forgive', 'bad', '--json'));
    expect(answer).toMatchObject({ nodeId: 'bad', state: 'ready', reason: '', blockedJobs: [] });
    await waitFor('bad renders', async () =>
      (await site.studio.frames(jobId)).some(({ nodeIds }) => nodeIds.includes('bad')),
    );
    const told = (await site.studio.told(jobId, 'node_forgiven')).map(({ message }) => message);
    expect(told).toEqual(['the failures of node bad are forgiven by hand']);
    await site.studio.cancel(jobId);
    expect(await site.guian('node', 'forgive', 'good')).toBe('node good is forgiven; it is ready\n');
  });

  it('cannot be forgiven when nobody knows it', async () => {
    await expect(site.guian('node', 'forgive', 'nobody')).rejects.toThrow(
      /there is no node "nobody"; "guian nodes" lists them/,
    );
  });

  it('is no worse than others where the scene is at fault: the job comes to its end', async () => {
    const jobId = await site.submit(POISON);
    await site.studio.state(jobId, 'finished_with_failures');
    const job = await site.studio.get(jobId);
    expect(job.progress).toMatchObject({ framesFailed: 3, framesFinished: 0 });
    expect((await site.node('bad'))?.state).toBe('ready');
  });
});

describe('a node whose failures are old', () => {
  it('works for the job again', async () => {
    // Time for three tries of a node that is slowed down, and for the test to mend it before it fails anew.
    await using site = await startSite({ forgiveAfterMs: 6_000 });
    const jobId = await site.submit(SLOW, { frames: '1-30' });
    await site.studio.told(jobId, 'node_blocked');
    site.mendNode();
    await waitFor('bad renders', async () =>
      (await site.studio.frames(jobId)).some(({ nodeIds }) => nodeIds.includes('bad')),
    );
    const told = (await site.studio.told(jobId, 'node_forgiven')).map(({ message }) => message);
    expect(told).toEqual(['node bad may have tiles of it again: its failures are forgiven with time']);
    await site.studio.cancel(jobId);
  });
});
