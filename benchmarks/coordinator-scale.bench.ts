/**
 * The coordinator with a large farm: 1,000 agents that speak the real protocol (simulated-agents.ts), on a real nats-server,
 * and 100,000 tiles that cost nothing to render. What the coordinator itself takes for that: processor, memory, and how
 * late its event loop is. The agents share the machine with it, so tiles/s are those of all three together.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { invariant } from '#shared/invariant.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import { waitUntil } from '#tests/support/wait-until.js';
import type { Benchmark } from './support/benchmark.js';
import { withCpuTime } from './support/cpu-time.js';
import { watchLoopDelay } from './support/loop-delay.js';
import { startSimulatedAgents } from './support/simulated-agents.js';
import { rounded, timed } from './support/statistics.js';
import { startWarmFarm } from './support/warm-farm.js';

const AGENTS = 1_000;
const SLOTS = 2;
const SIDE_PX = 512;
const TILE_PX = 16;
const TILES_PER_FRAME = (SIDE_PX / TILE_PX) ** 2;
const JOBS = 4;
/** Of each job: 102,400 tiles in all. */
const FRAMES = 25;
/** How long a farm of idle agents is watched, ms. */
const IDLE_MS = 5_000;

export const benchmark: Benchmark = {
  question: `what does the coordinator take for ${AGENTS} agents and 100,000 no-op tiles?`,
  async run(say, { frames = FRAMES } = {}) {
    await using loop = await watchLoopDelay();
    await using farm = await startWarmFarm({ agents: 0 });
    loop.started();
    const pid = farm.farm.coordinator.pid!;
    const natsUrl = farm.farm.natsUrl;
    say(`starting ${AGENTS} agents with ${SLOTS} slots each …`);
    await using agents = await startSimulatedAgents({
      natsUrl,
      prefix: 'guian',
      count: AGENTS,
      slots: SLOTS,
    });
    await waitUntil(async () => (await readyNodes(farm.client)) === AGENTS, {
      describe: `${AGENTS} nodes that the coordinator takes for ready`,
    });
    const flags = { renderer: 'synthetic', size: `${SIDE_PX}x${SIDE_PX}`, tile: String(TILE_PX) };
    const job = await farm.job({ ...flags, frames: `0-${frames - 1}`, format: 'exr' });
    say('warming up …');
    await (await farm.job({ ...flags, frames: '0-3', format: 'exr' })).runToEnd();
    loop.reset(pid);
    const idle = await withCpuTime([pid], () => delay(IDLE_MS));
    const idleDelay = await loop.read();
    const tiles = JOBS * frames * TILES_PER_FRAME;
    say(`${JOBS} jobs, ${tiles} tiles together …`);
    const before = agents.tilesDone;
    loop.reset(pid);
    const run = () => timed(() => Promise.all(Array.from({ length: JOBS }, () => job.runToEnd())));
    const { result, cpuS } = await withCpuTime([pid], run);
    const delays = await loop.read();
    const stored = agents.tilesDone - before;
    invariant(stored >= tiles, `${stored} results were stored for ${tiles} tiles`);
    const cpuOf = (seconds: number | undefined, ms: number) =>
      seconds === undefined ? '' : rounded((seconds * 1000) / ms);
    const p99Ms = rounded(delays.p99Ms);
    return {
      rows: [
        {
          agents: AGENTS,
          slots: SLOTS,
          tiles,
          tilesPerS: rounded((tiles / result.ms) * 1000),
          resultsPerTile: rounded(stored / tiles),
          coordinatorCores: cpuOf(cpuS, result.ms),
          coordinatorUsPerTile: cpuS === undefined ? '' : rounded((cpuS / tiles) * 1e6),
          coordinatorMib: rounded(delays.rssMibMax),
          loopDelayP50Ms: rounded(delays.p50Ms),
          loopDelayP99Ms: p99Ms,
          loopDelayMaxMs: rounded(delays.maxMs),
          idleCores: cpuOf(idle.cpuS, IDLE_MS),
          idleLoopDelayP99Ms: rounded(idleDelay.p99Ms),
        },
      ],
      targets: [
        { what: 'event-loop delay of the coordinator, p99, ms', value: p99Ms, atMost: 20 },
        { what: 'memory of the coordinator, MiB', value: rounded(delays.rssMibMax), atMost: 300 },
      ],
    };
  },
};

async function readyNodes(client: CoordinatorClient): Promise<number> {
  const { nodes } = await call<ListNodesResponse__Output>(client, (options, done) =>
    client.nodes.list({}, options, done),
  );
  return nodes.filter(({ state }) => state === 'ready').length;
}
