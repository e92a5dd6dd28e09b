/**
 * The farm's own cost of a tile: tiles that cost nothing to render, small ones, through the whole farm (fed by the
 * coordinator, rendered in the agent's threads, collected, checked, stitched, written), beside JetStream alone.
 */
import { readFile } from 'node:fs/promises';
import { syntheticTile } from '#node-agent/renderers/synthetic/renderer.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { floatsToHalves } from '#shared/image/half.js';
import { invariant } from '#shared/invariant.js';
import { agentCycle } from './support/agent-cycle.js';
import type { Benchmark } from './support/benchmark.js';
import { withCpuTime } from './support/cpu-time.js';
import { rawLoop } from './support/raw-loop.js';
import { scratchFolder } from './support/scratch-folder.js';
import { median, rounded, timed } from './support/statistics.js';
import { startWarmFarm, type WarmFarm } from './support/warm-farm.js';

const SIDE_PX = 512;
/** About 1 KB encoded, as much as a result of the raw loop. */
const TILE_PX = 16;
const FRAMES = 16;
const ROUNDS = 3;
const TILES = (SIDE_PX / TILE_PX) ** 2 * FRAMES;

export const benchmark: Benchmark = {
  question: 'how many no-op tiles a second go through the whole farm, beside a raw JetStream loop?',
  async run(say) {
    await using farm = await startWarmFarm();
    const job = await farm.job(jobFlags(FRAMES));
    say(`warming up, then ${ROUNDS} rounds of ${TILES} tiles each …`);
    await (await farm.job(jobFlags(4))).runToEnd();
    const nats = { url: farm.farm.natsUrl, pid: farm.farm.nats!.pid! };
    await rawLoop(nats, 2_000, 'with-ids');
    const raw: Run[] = [];
    const bare: Run[] = [];
    const through: Run[] = [];
    let lastJobId = '';
    const agent = await agentCycle({ tilePx: TILE_PX, frames: FRAMES, rounds: ROUNDS + 1 });
    // The first round warms up.
    const agentTilesPerS = rounded(median(agent.slice(1)));
    say(`agent alone: ${agent.map((rate) => rounded(rate)).join(', ')} tiles/s`);
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await rawLoop(nats, TILES, 'bare'));
      raw.push(await rawLoop(nats, TILES, 'with-ids'));
      const { result, cpuS } = await withCpuTime(farm.farm.pids(), () => timed(() => job.runToEnd()));
      const done = result.result.progress?.tilesDone;
      invariant(done === TILES, `${done} tiles were done`);
      through.push({ tilesPerS: (TILES / result.ms) * 1000, cpuS });
      lastJobId = result.result.jobId;
      const [rawPerS, farmPerS] = [raw[round]!, through[round]!].map((run) => rounded(run.tilesPerS));
      say(`round ${round + 1}: raw ${rawPerS} tiles/s, farm ${farmPerS} tiles/s`);
    }
    for (const frame of [0, FRAMES - 1]) await checkFrame(farm, lastJobId, frame);
    const ratio = rounded(median(through.map((run, round) => run.tilesPerS / raw[round]!.tilesPerS)));
    const agentRatio = rounded(agentTilesPerS / median(raw.map((run) => run.tilesPerS)));
    return {
      rows: [
        {
          tiles: TILES,
          tilePx: TILE_PX,
          rawTilesPerS: rounded(median(raw.map((run) => run.tilesPerS))),
          farmTilesPerS: rounded(median(through.map((run) => run.tilesPerS))),
          agentTilesPerS,
          agentRatio,
          ratio,
          bareRawTilesPerS: rounded(median(bare.map((run) => run.tilesPerS))),
          ratioToBare: rounded(median(through.map((run, round) => run.tilesPerS / bare[round]!.tilesPerS))),
          rawCpuUsPerTile: cpuUsPerTile(raw),
          farmCpuUsPerTile: cpuUsPerTile(through),
        },
      ],
      targets: [
        { what: 'the agent alone ÷ raw loop', value: agentRatio, atLeast: 0.5 },
        { what: 'the whole farm ÷ raw loop', value: ratio, atLeast: 0.5 },
      ],
    };
  },
};

interface Run {
  readonly tilesPerS: number;
  readonly cpuS: number | undefined;
}

/** All processes together; empty where the system does not tell. */
function cpuUsPerTile(runs: readonly Run[]): number | string {
  const seconds = runs.flatMap((run) => run.cpuS ?? []);
  return seconds.length === 0 ? '' : rounded((median(seconds) / TILES) * 1e6);
}

function jobFlags(frames: number): Record<string, string> {
  return {
    renderer: 'synthetic',
    size: `${SIDE_PX}x${SIDE_PX}`,
    tile: String(TILE_PX),
    frames: `0-${frames - 1}`,
    format: 'exr',
  };
}

/** Every pixel is the one that the synthetic renderer promises for it. */
async function checkFrame(farm: WarmFarm, jobId: string, frame: number): Promise<void> {
  await using folder = await scratchFolder();
  const exr = decodeExr(await readFile(await farm.download(jobId, frame, 'exr', folder.path)));
  const whole = { x0: 0, y0: 0, x1: SIDE_PX, y1: SIDE_PX };
  const [beauty] = syntheticTile({ layers: ['beauty'], seed: 0 }, frame, whole);
  const expected = floatsToHalves(beauty!.data);
  for (const [channel, name] of ['R', 'G', 'B', 'A'].entries()) {
    const plane = exr.planes.find((candidate) => candidate.name === name);
    invariant(plane?.data.length === SIDE_PX ** 2, `frame ${frame} has no whole channel ${name}`);
    const wrong = plane.data.findIndex((value, pixel) => value !== expected[4 * pixel + channel]);
    invariant(wrong < 0, `frame ${frame}, channel ${name}, is wrong at pixel ${wrong}`);
  }
}
