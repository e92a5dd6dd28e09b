/** Agents that are killed, stopped, restarted and sent away, in a real farm: how soon others have their tiles, and that no pixel differs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { FarmPart } from '#cli/farm/farm-part.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { TIMES } from '#shared/limits.js';
import { type CoordinatorClient, connectCoordinator } from '#shared/wire/coordinator-client.js';
import { farmCalls } from '#tests/support/farm-calls.js';
import {
  expectWholeJob,
  type FaultJob,
  type JobFarm,
  lookAt,
  submitFaultJob,
  tilesDone,
} from '#tests/support/fault-job.js';
import { type HeldTiles, heldTiles } from '#tests/support/held-tiles.js';
import { NatsFrames } from '#tests/support/nats-frames.js';
import { NO_PROGRAMS } from '#tests/support/no-programs.js';
import { startTcpProxy } from '#tests/support/tcp-proxy.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** Two agents of one slot have up to two tiles each in hand. */
const TILES_PER_FRAME = 24;
const KILLS = 4;
/** Twice what is promised, which the chaos run measures: this machine may be full of other tests. */
const RECOVERED_MS_MAX = 12_000;
/** Sooner than the leases of what was delivered in the last seconds run out. */
const SOONER_THAN_LEASE_MS = TIMES.leaseMs - 5_000;
const TRIES = 5;

let farm: Farm;
let bus: Bus;
let client: CoordinatorClient;
let jobs: JobFarm;
/** One per agent. */
let held: HeldTiles[];

beforeAll(async () => {
  farm = await startFarm({ agents: 2, slots: 1, onNotice: () => undefined });
  bus = await connectBus(farm.natsUrl, 'guian', 'test');
  client = connectCoordinator(farm.coordinatorAddress);
  jobs = { studio: farmCalls({ client, bus }), storeDir: join(farm.dir, 'store') };
  held = farm.agents.map(heldTiles);
  for (const index of farm.agents.keys()) {
    await agent(index).stop();
    await startAgain(index);
  }
});
afterEach(async () => {
  for (const holder of held) holder.release();
  await jobs.studio.cancelAll();
});
afterAll(async () => {
  client?.close();
  await bus?.[Symbol.asyncDispose]();
  await farm?.stop();
  for (const holder of held ?? []) holder[Symbol.dispose]();
});

const agent = (index: number): FarmPart => farm.agents[index]!;
const nodeIdOf = ({ name }: FarmPart): string => name.replace('agent ', '');
const startAgain = (index: number): Promise<void> => held[index]!.startHolder(agent(index));

const job = (costMs: number, frames = 1, holder?: number): FaultJob => ({
  ...{ frames, widthPx: 96, heightPx: 64, tilePx: 16, costMs, layers: ['beauty'] },
  ...(holder === undefined ? {} : { scene: held[holder]!.scene }),
});

/** Renders frames and disturbs that in its middle. @returns how long the rest took, and the job's events. */
async function renderDisturbed(wanted: FaultJob, disturb: (jobId: string) => Promise<void>) {
  const jobId = await submitFaultJob(jobs, wanted);
  await tilesDone(jobs, jobId, TILES_PER_FRAME / 3);
  const disturbedAtMs = Date.now();
  await disturb(jobId);
  const events = await expectWholeJob(jobs, jobId, wanted);
  return { tookMs: events.at(-1)!.atMs - disturbedAtMs, events };
}

/** The same, while an agent has a tile that does not end: whatever is done to it is done while it renders. */
async function renderHeld(holder: number, disturb: () => Promise<void>) {
  const nodeId = nodeIdOf(agent(holder));
  held[holder]!.hold();
  return renderDisturbed(job(150, 1, holder), async () => {
    await waitUntil(
      async () => (await jobs.studio.nodes()).some((node) => node.nodeId === nodeId && node.slotsBusy === 1),
      { describe: `a tile rendering at ${nodeId}` },
    );
    held[holder]!.release();
    await disturb();
  });
}

async function nodesBecome(states: string[]): Promise<void> {
  let seen: string[] = [];
  await waitUntil(
    async () => {
      seen = (await jobs.studio.nodes()).map(({ state }) => state).sort();
      return JSON.stringify(seen) === JSON.stringify(states);
    },
    { describe: () => `nodes ${states}; they are ${seen}` },
  );
}

async function expectEmptyQueue(): Promise<void> {
  const look = () => retryCall('look', () => bus.jsm.streams.info(bus.names.tilesStream));
  const left = async () => (await look()).state.messages;
  await waitUntil(async () => (await left()) === 0, { describe: 'an empty queue' });
}

it('the tiles of a killed agent are rendered by another within seconds', async () => {
  const took: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await nodesBecome(['ready', 'ready']);
    const victim = kill % 2;
    let killedAtMs = 0;
    try {
      const { events } = await renderHeld(victim, async () => {
        killedAtMs = Date.now();
        agent(victim).kill();
      });
      took.push(events.at(-1)!.atMs - killedAtMs);
      // A tile that it had long at hand is copied before its node is known to be lost.
      const saved = events.filter(({ kind }) => kind === 'node_lost' || kind === 'speculated');
      expect(saved.length, JSON.stringify(events)).toBeGreaterThan(0);
      await nodesBecome(['lost', 'ready']);
    } finally {
      await agent(victim).stop();
      await startAgain(victim);
    }
  }
  took.sort((a, b) => a - b);
  process.stdout.write(`kill → last tile: p50 ${took[1]} ms, max ${took.at(-1)} ms of ${took.join(', ')}\n`);
  expect(took.at(-1)).toBeLessThan(RECOVERED_MS_MAX);
  await expectEmptyQueue();
});

/** The next agent under the id of one that still runs, come so far that its first heartbeat is on its way, and held there. */
async function startSuccessor(of: FarmPart) {
  let isThere = false;
  const link = await startTcpProxy(Number(new URL(farm.natsUrl).port), () => {
    const frames = new NatsFrames();
    return {
      up: (chunk) => {
        if (!isThere && frames.push(chunk).some(({ subject }) => subject.startsWith('guian.heartbeat.'))) {
          isThere = true;
          link.stall('up');
        }
        return chunk;
      },
    };
  });
  const cache = mkdtempSync(join(tmpdir(), 'guian-successor-'));
  const part = new FarmPart({
    name: 'successor',
    logFile: join(farm.dir, 'logs', 'successor.log'),
    args: () => [
      ...['agent', '--node-id', nodeIdOf(of), '--slots', '1', '--cache', cache, ...NO_PROGRAMS],
      ...['--coordinator', farm.coordinatorAddress, '--nats', `nats://127.0.0.1:${link.port}`],
    ],
    onNotice: () => undefined,
    onFailure: (error) => process.stderr.write(`${error.message}\n`),
  });
  const started = part.start();
  started.catch(() => undefined);
  await waitUntil(() => isThere, { describe: 'the first heartbeat of the next agent' });
  return {
    speak: () => link.flow(),
    async [Symbol.asyncDispose]() {
      link.flow();
      part.kill();
      await part.stop();
      await link[Symbol.asyncDispose]();
      rmSync(cache, { recursive: true, force: true });
    },
  };
}

it('an agent that is started again under its id frees the tiles of its predecessor at once', async () => {
  await nodesBecome(['ready', 'ready']);
  try {
    await using successor = await startSuccessor(agent(0));
    let killedAtMs = 0;
    const { events } = await renderHeld(0, async () => {
      killedAtMs = Date.now();
      agent(0).kill();
      successor.speak();
    });
    const lost = events.find((event) => event.kind === 'node_lost');
    expect(lost?.message).toMatch(/started again/);
    const [endedMs, freedMs] = [killedAtMs, lost!.atMs].map((sinceMs) => events.at(-1)!.atMs - sinceMs);
    process.stdout.write(`kill → last tile: ${endedMs} ms; agent is back → last tile: ${freedMs} ms\n`);
    expect(freedMs).toBeLessThan(RECOVERED_MS_MAX);
  } finally {
    await agent(0).stop();
    await startAgain(0);
  }
  await nodesBecome(['ready', 'ready']);
  await expectEmptyQueue();
});

it('an agent that stands still for 6 s and goes on doubles nothing', async () => {
  const told = () =>
    readFileSync(agent(0).logFile, 'utf8').split('tiles dropped that others have done').length;
  for (let tries = 0; ; tries++) {
    await nodesBecome(['ready', 'ready']);
    const toldBefore = told();
    const stopped = agent(0).pid!;
    let isInTheMiddle = false;
    const { tookMs, events } = await renderDisturbed(job(200, 3), async (jobId) => {
      const stoppedAtMs = performance.now();
      process.kill(stopped, 'SIGSTOP');
      try {
        await nodesBecome(['lost', 'ready']);
        await delay(Math.max(0, 6_000 - (performance.now() - stoppedAtMs)));
        isInTheMiddle = (await lookAt(jobs, jobId))?.finishedAtMs === 0;
      } finally {
        process.kill(stopped, 'SIGCONT');
      }
    });
    expect(events.filter((event) => event.kind === 'node_lost').length).toBeGreaterThan(0);
    expect(events.filter((event) => event.kind === 'frame_finished')).toHaveLength(3);
    expect(agent(0).pid, 'the same process').toBe(stopped);
    // Where it was found to be lost so late that the job was over, nobody tells it of a tile.
    if (!isInTheMiddle && tries < TRIES) continue;
    process.stdout.write(`stopped for 6 s of a job that then took ${tookMs} ms\n`);
    await waitUntil(() => told() > toldBefore, { describe: 'it is told to drop what others have done' });
    break;
  }
  await nodesBecome(['ready', 'ready']);
  await expectEmptyQueue();
});

it('an agent that is sent away hands everything over: nothing waits, nobody is lost', async () => {
  await nodesBecome(['ready', 'ready']);
  try {
    const { tookMs, events } = await renderDisturbed(job(150), () => agent(1).stop());
    process.stdout.write(`SIGTERM → last tile: ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(RECOVERED_MS_MAX);
    // A tile that is handed back while the other slot is busy may be given away once more, in no node's name.
    expect(events.filter(({ kind, nodeId }) => kind === 'node_lost' && nodeId !== '')).toEqual([]);
  } finally {
    await agent(1).stop();
    await startAgain(1);
  }
  await expectEmptyQueue();
});

it('nodes are not lost because the server is away', async () => {
  await nodesBecome(['ready', 'ready']);
  const { events } = await renderDisturbed(job(150, 2), async () => {
    process.kill(farm.nats!.pid!, 'SIGSTOP');
    await delay(5_000);
    await farm.nats!.crash();
  });
  expect(events.filter(({ kind, nodeId }) => kind === 'node_lost' && nodeId !== '')).toEqual([]);
  await expectEmptyQueue();
});

it('tiles of an agent that is killed together with the coordinator are found again', async () => {
  await nodesBecome(['ready', 'ready']);
  try {
    let killedAtMs = 0;
    const { events } = await renderHeld(1, async () => {
      killedAtMs = Date.now();
      agent(1).kill();
      await farm.coordinator.crash();
    });
    const tookMs = events.at(-1)!.atMs - killedAtMs;
    process.stdout.write(`both killed → last tile: ${tookMs} ms\n`);
    expect(tookMs).toBeLessThan(SOONER_THAN_LEASE_MS);
  } finally {
    await agent(1).stop();
    await startAgain(1);
  }
  await expectEmptyQueue();
});
