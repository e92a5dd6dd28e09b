/**
 * The farm's own cost of a tile: tiles that cost nothing to render, small ones, through the whole farm (fed by the
 * coordinator, rendered in the agent's threads, collected, checked, stitched, written), beside JetStream alone.
 */
import { readFile } from 'node:fs/promises';
import { syntheticTile } from '#node-agent/renderers/synthetic/renderer.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { floatsToHalves } from '#shared/image/half.js';
import { invariant } from '#shared/invariant.js';
import type { Benchmark } from './support/benchmark.js';
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
    await rawLoop(farm.farm.natsUrl, 2_000);
    const raw: number[] = [];
    const through: number[] = [];
    let lastJobId = '';
    for (let round = 0; round < ROUNDS; round++) {
      raw.push(await rawLoop(farm.farm.natsUrl, TILES));
      const { ms, result } = await timed(() => job.runToEnd());
      invariant(result.progress?.tilesDone === TILES, `${result.progress?.tilesDone} tiles were done`);
      through.push((TILES / ms) * 1000);
      lastJobId = result.jobId;
      say(
        `round ${round + 1}: raw ${rounded(raw[round]!)} tiles/s, farm ${rounded(through[round]!)} tiles/s`,
      );
    }
    for (const frame of [0, FRAMES - 1]) await checkFrame(farm, lastJobId, frame);
    const ratio = rounded(median(through.map((tilesPerS, round) => tilesPerS / raw[round]!)));
    return {
      rows: [
        {
          tiles: TILES,
          tilePx: TILE_PX,
          rawTilesPerS: rounded(median(raw)),
          farmTilesPerS: rounded(median(through)),
          ratio,
        },
      ],
      targets: [{ what: 'farm ÷ raw loop', value: ratio, atLeast: 0.5 }],
    };
  },
};

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
