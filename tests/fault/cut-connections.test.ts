/** Links to nats-server that break in every way: whoever is behind one finds back by itself, and the job ends right. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TIMES } from '#shared/limits.js';
import { type FaultAgent, type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import {
  expectWholeJob,
  type FaultJob,
  SMALL_TILES,
  submitFaultJob,
  tilesDone,
} from '#tests/support/fault-job.js';
import type { TcpProxy } from '#tests/support/tcp-proxy.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** 120 tiles of 100 ms: two slots are still at it when the fault is over. */
const LONG: FaultJob = { ...SMALL_TILES, frames: 8 };
const CUTS = 10;
const STORM_MS = 3_000;
const BROKEN_MS = 5_000;
/** From the end of the fault to the end of the job: sooner than a lease of before runs out. */
const HEALED_MS_MAX = TIMES.leaseMs - BROKEN_MS;

const FAULTS: [what: string, reconnects: boolean, strike: (link: TcpProxy) => Promise<void>][] = [
  [
    `is cut ${CUTS} times in ${STORM_MS} ms`,
    true,
    async (link) => {
      for (let cut = 0; cut < CUTS; cut++) {
        link.cut();
        await delay(STORM_MS / CUTS);
      }
    },
  ],
  [
    `passes nothing for ${BROKEN_MS} ms`,
    false,
    async (link) => {
      link.stall();
      await delay(BROKEN_MS);
      link.flow();
    },
  ],
  [
    `is refused for ${BROKEN_MS} ms`,
    true,
    async (link) => {
      await link.refuse();
      link.cut();
      await delay(BROKEN_MS);
      await link.accept();
    },
  ],
  ...(['up', 'down'] as const).map((direction): (typeof FAULTS)[number] => [
    `loses all that goes ${direction} for ${BROKEN_MS} ms`,
    true,
    async (link) => {
      link.stall(direction);
      await delay(BROKEN_MS);
      link.cut();
      link.flow();
    },
  ]),
];

const VICTIMS = ['an agent', 'the coordinator', 'both'] as const;
type Victim = (typeof VICTIMS)[number];

const farms = new Map<Victim, { farm: FaultFarm; agents: FaultAgent[] }>();
beforeAll(async () => {
  await Promise.all(
    VICTIMS.map(async (victim) => {
      const farm = await startFaultFarm();
      farms.set(victim, { farm, agents: [] });
      for (const name of ['one', 'two']) farms.get(victim)!.agents.push(await farm.startAgent(name));
    }),
  );
});
afterAll(async () => {
  await Promise.all([...farms.values()].map(({ farm }) => farm[Symbol.asyncDispose]()));
});

async function nodesReady(farm: FaultFarm): Promise<void> {
  let seen: string[] = [];
  await waitUntil(
    async () => {
      seen = (await farm.studio.nodes()).map(({ state }) => state);
      return seen.length === 2 && seen.every((state) => state === 'ready');
    },
    { describe: () => `two nodes ready; they are ${seen}` },
  );
}

describe.each(FAULTS)('a link that %s', (_what, reconnects, strike) => {
  it.concurrent.each(VICTIMS)(
    'of %s: it finds back by itself, frames are whole, each tile counts once',
    async (victim) => {
      const { farm, agents } = farms.get(victim)!;
      await nodesReady(farm);
      const links = {
        'an agent': [agents[0]!.link],
        'the coordinator': [farm.coordinatorLink],
        both: [agents[0]!.link, farm.coordinatorLink],
      }[victim];
      const before = links.map((link) => link.counts.accepted);
      const pids = agents.map(({ part }) => part.pid);
      const jobId = await submitFaultJob(farm, LONG);
      await tilesDone(farm, jobId, 10);
      await Promise.all(links.map(strike));
      const healedAtMs = Date.now();
      const events = await expectWholeJob(farm, jobId, LONG);
      expect(Number(events.at(-1)!.atMs) - healedAtMs, 'no lease had to run out').toBeLessThan(HEALED_MS_MAX);
      await nodesReady(farm);
      for (const [index, link] of links.entries()) {
        const again = link.counts.accepted - before[index]!;
        expect(again > 0, `${again} new connections`).toBe(reconnects);
      }
      expect(agents.map(({ part }) => part.pid)).toEqual(pids);
    },
  );
});
