/**
 * JetStream's store damaged between two starts of nats-server, in the middle of a job: the store beside the frames is the
 * truth, so that jobs go on by themselves, finished frames stay, and no pixel differs. Agents run throughout and wait; so
 * does the coordinator, or it is killed too, as in a power cut.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningNatsServer, startNatsServer } from '#cli/farm/start-nats-server.js';
import { agentConfig } from '#node-agent/config.js';
import { runAgent } from '#node-agent/main.js';
import { resolveConfig } from '#shared/config.js';
import { nodeIdSchema } from '#shared/domain/ids.js';
import { startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import {
  bitFlipped,
  blocksCut,
  consumersGarbled,
  copyOfStore,
  type Damage,
  indexesRemoved,
  metaCut,
  rolledBack,
  type StreamOfFarm,
  seededRandom,
  streamRemoved,
  wiped,
} from '#tests/support/damage-store.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { waitUntil } from '#tests/support/wait-until.js';

const TILES = 36;
/** Two slots: the job takes 1.8 s undisturbed. */
const COST_MS = 100;
/** A job whose events do not tell its end by then is given up for another. */
const TRY_AGAIN_MS = 10_000;
/** Tiles whose leases a damaged consumer still counts come back when the leases end, after 30 s. */
const TIMEOUT_MS = 60_000;
/** Each wait has a limit of its own, whose message tells more than a test that was cut off. */
const TEST_MS = 300_000;
const SEED = Number(process.env['GUIAN_TEST_SEED'] ?? 1);

type Studio = ReturnType<typeof farmCalls>;
const submitShot = async (studio: Studio, costMsPerTile = COST_MS, frames = '1-3') => {
  const settings = { ...spec().settings, synthetic: { costMsPerTile } };
  return (await studio.submit(spec({ frames, settings }))).job!.jobId;
};

/** A farm with a coordinator in its own process and an agent in this one. */
async function startFarm() {
  const farm = await startCoordinatorFarm();
  const studio = farmCalls(farm);
  const folder = mkdtempSync(join(tmpdir(), 'guian-damage-'));
  await farm.startProcess();
  await studio.upload(SCENE);
  const agent = await runAgent({
    ...resolveConfig(agentConfig, {}),
    natsUrl: farm.config.natsUrl,
    prefix: 'test',
    coordinatorAddress: farm.client.address,
    nodeId: nodeIdSchema.parse('node-1'),
    slots: 2,
    cacheDir: folder,
    cacheBytesMax: 2 ** 30,
    logLevel: 'silent',
  });
  const natsDir = join(dirname(farm.config.storeDir), 'jetstream');
  let nats: RunningNatsServer | undefined;
  return {
    farm,
    studio,
    folder,
    natsDir,
    async startNatsAgain() {
      nats = await startNatsServer({ storeDir: natsDir, port: farm.nats.port });
    },
    async [Symbol.asyncDispose]() {
      await agent.close(0);
      await farm[Symbol.asyncDispose]();
      await nats?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
type RunningFarm = Awaited<ReturnType<typeof startFarm>>;

let wanted: string[];
beforeAll(async () => {
  await using undisturbed = await startFarm();
  const jobId = await submitShot(undisturbed.studio, 0);
  await undisturbed.studio.state(jobId, 'finished');
  wanted = await pixelDigests(undisturbed.studio, jobId);
});

/** Name → digest and time of each finished frame's files and record. */
function finishedFiles({ farm }: RunningFarm, jobId: string): Record<string, string> {
  const folder = join(farm.config.storeDir, 'jobs', jobId, 'frames');
  const names = readdirSync(folder).filter((name) => /\.(json|exr)$/.test(name));
  const recorded = names.filter((name) => name.endsWith('.json')).map((name) => Number.parseInt(name, 10));
  return Object.fromEntries(
    names
      .filter((name) => recorded.some((frame) => new RegExp(`(^|\\.)0*${frame}\\.`).test(name)))
      .map((name) => [
        name,
        `${statSync(join(folder, name)).mtimeMs} ${digestOf(readFileSync(join(folder, name)))}`,
      ]),
  );
}
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const tilesDone = async (studio: Studio, jobId: string) => {
  const { framesFinished, tilesDone } = (await studio.get(jobId)).progress!;
  return { framesFinished, tilesDone };
};

interface Case {
  readonly what: string;
  /** Of the running farm, once a few tiles are done. */
  readonly damage: Damage | ((copyDir: string) => Damage);
  readonly isCoordinatorKilled?: boolean;
  /** What the coordinator must have said of the repair. */
  readonly told?: RegExp;
}

const REMADE = /JetStream has lost what it held/;
const REQUEUED = /queued again|JetStream has lost what it held/;
const removed = (stream: StreamOfFarm): Case => ({
  what: `the stream of ${stream} is gone`,
  damage: streamRemoved(stream),
  told: REMADE,
});

const CASES: readonly Case[] = [
  { what: 'everything is gone', damage: wiped, told: REMADE },
  ...(['tiles', 'results', 'events', 'assignments', 'jobs'] as const).map(removed),
  { what: 'every block ends in its middle', damage: blocksCut(0.5) },
  { what: 'every block is empty', damage: blocksCut(0), told: REQUEUED },
  { what: 'a bit of the tiles is flipped', damage: bitFlipped('tiles') },
  { what: 'a bit of the results is flipped', damage: bitFlipped('results') },
  { what: 'a bit of assignments is flipped', damage: bitFlipped('assignments') },
  { what: 'a bit of records is flipped', damage: bitFlipped('jobs') },
  { what: 'a bit of events is flipped', damage: bitFlipped('events') },
  { what: 'all indexes are gone', damage: indexesRemoved },
  { what: 'the description of the tiles is cut', damage: metaCut('tiles'), told: REMADE },
  { what: 'the description of the results is cut', damage: metaCut('results'), told: REMADE },
  { what: 'every consumer remembers garbage', damage: consumersGarbled },
];

async function rendersOn(
  {
    damage,
    isCoordinatorKilled = false,
    told,
  }: Omit<Case, 'damage'> & { damage: (copyDir: string) => Damage },
  seed: number,
): Promise<void> {
  await using running = await startFarm();
  const { farm, studio, natsDir, folder } = running;
  const jobId = await submitShot(studio);
  const copyDir = join(folder, 'copy');
  const progress = async (until: (done: Awaited<ReturnType<typeof tilesDone>>) => boolean) =>
    waitUntil(async () => until(await tilesDone(studio, jobId)), {
      timeoutMs: TIMEOUT_MS,
      describe: 'a job in its middle',
    });
  await progress((done) => done.tilesDone >= 4);
  copyOfStore(natsDir, copyDir, farm.nats.pid);
  await progress((done) => done.framesFinished >= 1 && done.tilesDone >= 16);

  if (isCoordinatorKilled) await farm.killProcess();
  farm.nats.kill();
  await farm.nats.exited;
  const before = finishedFiles(running, jobId);
  expect(Object.keys(before).length, 'a finished frame').toBeGreaterThanOrEqual(2);
  expect(Object.keys(before).length, 'and an open one').toBeLessThan(6);
  damage(copyDir)(natsDir, seededRandom(seed));
  await running.startNatsAgain();
  if (isCoordinatorKilled) await farm.startProcess();

  await waitUntil(async () => (await studio.get(jobId)).state === 'finished', {
    timeoutMs: TIMEOUT_MS,
    describe: () => `job ${jobId} finished; the coordinator said ${farm.processLog}`,
  });
  expect(await pixelDigests(studio, jobId), 'pixels').toEqual(wanted);
  const after = finishedFiles(running, jobId);
  expect(Object.keys(after)).toHaveLength(6);
  expect(after).toMatchObject(before);
  const { progress: end } = await studio.get(jobId);
  expect(end).toMatchObject({ framesFinished: 3, framesFailed: 0, tilesDone: TILES, tilesFailed: 0 });
  // A short job may end before the coordinator looks after its bus again.
  if (told)
    await waitUntil(() => told.test(farm.processLog), {
      describe: () => `${told} in the coordinator's log: ${farm.processLog}`,
    });
  await studio.cleared(jobId);

  await endsAgain(running);
}

/** A stream of events that cannot be read is made again, with what it held until then lost: jobs tried before may not tell. */
async function endsAgain({ farm, studio }: RunningFarm): Promise<void> {
  let next = '';
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let seen: readonly string[] = [];
  await waitUntil(
    async () => {
      if (performance.now() - triedAtMs > TRY_AGAIN_MS) {
        next = await submitShot(studio, 0, '1');
        triedAtMs = performance.now();
      }
      seen = (await studio.watch(next, 0, true)).map(({ kind }) => kind);
      return seen.includes('finished');
    },
    {
      timeoutMs: TIMEOUT_MS,
      describe: () =>
        `a job of afterwards whose events tell its end; those of ${next}: ${seen.join(' ')}; the coordinator said ${farm.processLog}`,
    },
  );
}

describe.concurrent('a job in its middle goes on by itself when nats-server starts again and', () => {
  it.each(CASES.map((one, index) => ({ ...one, seed: SEED * 100 + index })))(
    '$what (seed $seed)',
    async (one) => {
      await rendersOn({ ...one, damage: () => one.damage as Damage }, one.seed);
    },
    TEST_MS,
  );

  it(
    'the store is an older copy of itself',
    // Nothing may have to be mended, and told: the older queue can hold every tile that is open.
    () => rendersOn({ what: '', damage: rolledBack }, SEED),
    TEST_MS,
  );
});

describe.concurrent('a job in its middle goes on by itself after a power cut of server and coordinator, and', () => {
  it.each([
    { what: 'everything is gone', damage: () => wiped },
    { what: 'the results are gone', damage: () => streamRemoved('results') },
    { what: 'every block ends in its middle', damage: () => blocksCut(0.5) },
    { what: 'the store is an older copy of itself', damage: rolledBack },
  ])('$what', async (one) => rendersOn({ ...one, isCoordinatorKilled: true }, SEED), TEST_MS);
});
