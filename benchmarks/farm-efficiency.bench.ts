/**
 * What the farm costs: the same frames of a real scene, first by the renderer alone on every core (the agent's own render
 * pool, without a bus: nothing is sent, stitched or written), then through a whole warm farm on the same cores, from the
 * submit to the last fsynced file. Fewer samples than a film has, in tiles as long as a film's.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { tileGrid } from '#coordinator/planning/tile-grid.js';
import { tileSize } from '#coordinator/planning/tile-size.js';
import { PreparedFrames } from '#node-agent/prepared-frames.js';
import { RenderPool } from '#node-agent/render-pool.js';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { decodeTile } from '#shared/image/tile-codec.js';
import { invariant } from '#shared/invariant.js';
import { createLogger } from '#shared/log.js';
import type { Benchmark } from './support/benchmark.js';
import { withCpuTime } from './support/cpu-time.js';
import { ROOT } from './support/root.js';
import { scratchFolder } from './support/scratch-folder.js';
import { median, rounded, timed } from './support/statistics.js';
import { startWarmFarm, type WarmFarm } from './support/warm-farm.js';

const SCENE = 'valley.glb';
const FOLDER = join(ROOT, 'examples', 'valley');
const WIDTH_PX = 1920;
const HEIGHT_PX = 1080;
/** A film has 64 and more; the farm's share of the time would be smaller still. */
const SAMPLES = 4;
const FRAMES = [0];
const ROUNDS = 2;

interface RenderedTile {
  readonly frame: number;
  readonly region: Region;
  readonly bytes: Uint8Array;
}

export const benchmark: Benchmark = {
  question: 'how much of the cores’ time does the farm leave to the renderer?',
  async run(say) {
    const slots = availableParallelism();
    const size = tileSize('auto', {
      ...{ widthPx: WIDTH_PX, heightPx: HEIGHT_PX, samples: SAMPLES },
      ...{ slots, frames: FRAMES.length, renderer: 'gltf' },
    });
    const settings = settingsOf(WIDTH_PX, HEIGHT_PX, SAMPLES);
    await using farm = await startWarmFarm();
    await using alone = new Alone(slots);
    const job = await farm.job(jobFlags(settings, FRAMES), join(FOLDER, SCENE));
    const small = settingsOf(192, 108, 4);
    await (await farm.job(jobFlags(small, [0]), join(FOLDER, SCENE))).runToEnd();
    await alone.render(small, { tileWidthPx: 32, tileHeightPx: 32 }, [0]);

    const aloneS: number[] = [];
    const farmS: number[] = [];
    /** The same in CPU time, which other work on the machine disturbs less. */
    const cpuRatios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { result: byItself, cpuS: aloneUsed } = await withCpuTime([process.pid], () =>
        timed(() => alone.render(settings, size, FRAMES)),
      );
      const { result: throughFarm, cpuS: farmUsed } = await withCpuTime(farm.farm.pids(), () =>
        timed(() => job.runToEnd()),
      );
      if (aloneUsed !== undefined && farmUsed !== undefined) cpuRatios.push(aloneUsed / farmUsed);
      aloneS.push(byItself.ms / 1000);
      farmS.push(throughFarm.ms / 1000);
      const { tileWidthPx, tileHeightPx, jobId } = throughFarm.result;
      const isSamePlan = tileWidthPx === size.tileWidthPx && tileHeightPx === size.tileHeightPx;
      invariant(isSamePlan, `the farm cut tiles of ${tileWidthPx}x${tileHeightPx} px`);
      if (round === 0) await checkFrames(farm, jobId, settings, byItself.result);
      say(`round ${round + 1}: alone ${rounded(aloneS[round]!)} s, farm ${rounded(farmS[round]!)} s`);
    }
    const efficiency = rounded(median(aloneS.map((seconds, round) => seconds / farmS[round]!)));
    return {
      rows: [
        {
          scene: SCENE,
          sizePx: `${WIDTH_PX}x${HEIGHT_PX}`,
          samples: SAMPLES,
          tilePx: `${size.tileWidthPx}x${size.tileHeightPx}`,
          aloneS: rounded(median(aloneS)),
          farmS: rounded(median(farmS)),
          efficiency,
          cpuEfficiency: cpuRatios.length === 0 ? '' : rounded(median(cpuRatios)),
        },
      ],
      targets: [{ what: 'renderer alone ÷ through the farm', value: efficiency, atLeast: 0.95 }],
    };
  },
};

function settingsOf(widthPx: number, heightPx: number, samples: number): RenderSettings {
  const environment = { kind: 'none' };
  return renderSettingsSchema.parse({ widthPx, heightPx, samples, fps: 24, exposureEv: 1, environment });
}

function jobFlags(settings: RenderSettings, frames: readonly number[]): Record<string, string> {
  return {
    size: `${settings.widthPx}x${settings.heightPx}`,
    samples: String(settings.samples),
    fps: String(settings.fps),
    exposure: String(settings.exposureEv),
    env: settings.environment.kind,
    frames: frames.join(','),
  };
}

/** The renderer as an agent runs it, without an agent. */
class Alone implements AsyncDisposable {
  readonly #frames: PreparedFrames;
  readonly #pool: RenderPool;

  constructor(slots: number) {
    const logger = createLogger('bench', 'warn');
    this.#frames = new PreparedFrames(logger);
    this.#pool = new RenderPool({ slots, logger });
  }

  async render(
    settings: RenderSettings,
    tile: { tileWidthPx: number; tileHeightPx: number },
    frames: readonly number[],
  ): Promise<RenderedTile[]> {
    const grid = tileGrid(settings, tile);
    const scene = { folder: FOLDER, entry: SCENE };
    const work = frames.map(async (frame) => {
      const key = `${settings.widthPx}/${frame}`;
      const hold = this.#frames.hold(key, { renderer: settings.renderer, scene, settings, frame });
      const prepared = await hold.outcome;
      invariant(prepared.kind === 'ready', `frame ${frame} cannot be prepared`);
      const tiles = Array.from({ length: grid.count }, async (_, index): Promise<RenderedTile> => {
        const region = grid.regionOfTile(index);
        const outcome = await this.#pool.render(key, prepared.context, region).outcome;
        invariant(outcome.kind === 'rendered', `tile ${index} was not rendered`);
        return { frame, region, bytes: outcome.bytes };
      });
      const rendered = await Promise.all(tiles);
      hold.release();
      return rendered;
    });
    return (await Promise.all(work)).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
    await this.#frames[Symbol.asyncDispose]();
  }
}

/** The farm's frames are the tiles of the renderer alone, bit for bit. */
async function checkFrames(
  farm: WarmFarm,
  jobId: string,
  { widthPx, layers }: RenderSettings,
  tiles: readonly RenderedTile[],
): Promise<void> {
  await using folder = await scratchFolder();
  for (const frame of FRAMES) {
    const { planes } = decodeExr(await readFile(await farm.download(jobId, frame, 'exr', folder.path)));
    const channels = ['R', 'G', 'B', 'A'].map((name) => planes.find((plane) => plane.name === name)!.data);
    for (const { region, bytes } of tiles.filter((tile) => tile.frame === frame)) {
      const [width, height] = [regionWidthPx(region), regionHeightPx(region)];
      const [beauty] = decodeTile(bytes, { layers, widthPx: width, heightPx: height }).layers;
      for (let sample = 0; sample < width * height * 4; sample++) {
        const pixel = sample >> 2;
        const [x, y] = [region.x0 + (pixel % width), region.y0 + Math.floor(pixel / width)];
        const isEqual = channels[sample & 3]![y * widthPx + x] === beauty!.data[sample];
        invariant(isEqual, `frame ${frame} differs from the renderer alone at pixel ${x},${y}`);
      }
    }
  }
}
