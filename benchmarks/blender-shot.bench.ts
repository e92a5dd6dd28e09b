/**
 * A shot as studios have it (examples/shot: depth of field, motion blur, a library), frame after frame: through a farm on
 * this machine, from the submit to the last fsynced EXR; by one Blender for all frames, on all cores; and by one Blender
 * per frame, as farms that hand out whole frames do. The farm's Blenders are not warm: all three start theirs.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findInstallations } from '#node-agent/renderers/program/find-installations.js';
import { startProgram } from '#node-agent/renderers/program/start-program.js';
import { decodeMessage, RESULT_HEADER, resultMetaSchema } from '#shared/bus/messages.js';
import { invariant } from '#shared/invariant.js';
import { LIMITS } from '#shared/limits.js';
import type { Benchmark, BenchmarkOptions, Say } from './support/benchmark.js';
import { ROOT } from './support/root.js';
import { scratchFolder } from './support/scratch-folder.js';
import { median, rounded, timed } from './support/statistics.js';
import { startWarmFarm, type WarmFarm } from './support/warm-farm.js';

const SHOT = join(ROOT, 'examples', 'shot', 'shot.blend');
const FRAMES = 24;
/** Odd, so that there is a middle one. */
const ROUNDS = 3;
/** Few enough that the default tile is a part of the frame. */
const OVERHEAD_FRAMES = 4;
/** Of each tile size, one after the other: what others do on the machine adds to core seconds, and the least has it least. */
const OVERHEAD_TURNS = 5;
const WHOLE_FRAME_TILE = '480x270';
const MEMORY_BYTES_MAX = 2 ** 32;

interface Cost {
  readonly wallS: number;
  readonly coreS: number;
}

interface FarmRound extends Cost {
  readonly firstTileS: number;
  readonly tilePx: string;
  /** As jobs pin it. */
  readonly version: string;
}

export const benchmark: Benchmark = {
  question: 'what does a farm make of a Blender shot, beside Blender itself?',
  async run(say, { frames = FRAMES }: BenchmarkOptions = {}) {
    const { installations, broken } = await findInstallations({ blender: [] });
    const blender = installations[0];
    if (!blender) throw new Error(broken[0]?.reason ?? 'Blender is not on PATH: apt-get install blender');
    const rounds: { one: Cost; each: Cost; farm: FarmRound }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const one = await oneBlender(blender.executable, frames);
      const farm = await throughFarm(frames);
      const each = await blenderPerFrame(blender.executable, frames);
      rounds.push({ one, farm, each });
      sayRound(say, round, one, farm, each);
    }
    const overhead = await tileOverhead(Math.min(frames, OVERHEAD_FRAMES), say);
    const of = (figure: (round: (typeof rounds)[number]) => number) => rounded(median(rounds.map(figure)));
    const efficiency = of(({ one, farm }) => one.wallS / farm.wallS);
    const cpuEfficiency = of(({ one, farm }) => one.coreS / farm.coreS);
    return {
      rows: [
        {
          ...{ scene: 'shot.blend', renderer: `blender ${rounds[0]!.farm.version}`, frames },
          tilePx: rounds[0]!.farm.tilePx,
          farmS: of(({ farm }) => farm.wallS),
          oneBlenderS: of(({ one }) => one.wallS),
          blenderPerFrameS: of(({ each }) => each.wallS),
          efficiency,
          cpuEfficiency,
          timesPerFrame: of(({ each, farm }) => each.wallS / farm.wallS),
          firstTileS: of(({ farm }) => farm.firstTileS),
          tileOverhead: rounded(overhead),
        },
      ],
      targets: [
        { what: 'one Blender for all frames ÷ through the farm', value: efficiency, atLeast: 0.95 },
        { what: 'the same in core seconds', value: cpuEfficiency, atLeast: 0.95 },
        {
          what: 'one Blender per frame ÷ through the farm',
          value: of(({ each, farm }) => each.wallS / farm.wallS),
          atLeast: 1,
        },
        { what: 'cost of a default tile beside its pixels', value: overhead, atMost: 0.02 },
      ],
    };
  },
};

function sayRound(say: Say, round: number, one: Cost, farm: FarmRound, each: Cost): void {
  const told = ({ wallS, coreS }: Cost) => `${rounded(wallS)} s (${rounded(coreS)} core s)`;
  say(`round ${round}: farm ${told(farm)}, one Blender ${told(one)}, a Blender per frame ${told(each)}`);
  say(`  first tile of ${farm.tilePx} px after ${rounded(farm.firstTileS)} s`);
}

/** A new farm, so that no Blender of the round before is warm; its start is outside the clock. */
async function throughFarm(frames: number): Promise<FarmRound> {
  await using farm = await startWarmFarm();
  const job = await farm.job({ frames: `1-${frames}`, format: 'exr' }, SHOT);
  using first = firstResult(farm);
  const startedAtMs = performance.now();
  const { result, ms } = await timed(() => job.runToEnd());
  const firstTileS = ((await first.atMs) - startedAtMs) / 1000;
  return {
    wallS: ms / 1000,
    coreS: result.progress!.coreSeconds,
    firstTileS,
    tilePx: `${result.tileWidthPx}x${result.tileHeightPx}`,
    version: result.spec!.rendererVersion,
  };
}

/** Core seconds of the same frames in default tiles ÷ in one tile each, less 1; all Blenders warm. */
async function tileOverhead(frames: number, say: Say): Promise<number> {
  await using farm = await startWarmFarm();
  const coreSecondsWith = async (tile: string) => {
    const job = await farm.job({ frames: `1-${frames}`, tile, format: 'exr' }, SHOT);
    return (await job.runToEnd()).progress!.coreSeconds;
  };
  // Every Blender has its own caches to fill.
  await coreSecondsWith('auto');
  const [whole, tiled]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < OVERHEAD_TURNS; turn++) {
    whole.push(await coreSecondsWith(WHOLE_FRAME_TILE));
    tiled.push(await coreSecondsWith('auto'));
  }
  const overhead = Math.min(...tiled) / Math.min(...whole) - 1;
  say(`tiles: ${rounded(Math.min(...tiled))} core s, whole frames ${rounded(Math.min(...whole))}`);
  return overhead;
}

/** When the first result of any job is on the bus. Whatever is published to a stream reaches plain subscribers too. */
function firstResult(farm: WarmFarm): { readonly atMs: Promise<number> } & Disposable {
  let arrived: (atMs: number) => void = () => undefined;
  const atMs = new Promise<number>((resolve) => {
    arrived = resolve;
  });
  const subscription = farm.bus.connection.subscribe(farm.bus.names.resultsAll, {
    callback: (error, message) => {
      invariant(!error, `listening to results: ${error?.message}`);
      const meta = decodeMessage(resultMetaSchema, message.headers?.get(RESULT_HEADER) ?? '', 'result');
      invariant(meta.outcome.kind === 'rendered', 'the first tile failed');
      arrived(performance.now());
      subscription.unsubscribe();
    },
  });
  return { atMs, [Symbol.dispose]: () => subscription.unsubscribe() };
}

/** `blender -b shot.blend -a`, on all cores. */
const oneBlender = (executable: string, frames: number): Promise<Cost> =>
  runBlender(executable, ['-s', '1', '-e', String(frames), '-a']);

/** One after the other, each on all cores: what a manager of whole frames starts on a machine. */
async function blenderPerFrame(executable: string, frames: number): Promise<Cost> {
  let [wallS, coreS] = [0, 0];
  for (let frame = 1; frame <= frames; frame++) {
    const cost = await runBlender(executable, ['-f', String(frame)]);
    wallS += cost.wallS;
    coreS += cost.coreS;
  }
  return { wallS, coreS };
}

async function runBlender(executable: string, what: readonly string[]): Promise<Cost> {
  await using folder = await scratchFolder();
  const threads = String(availableParallelism());
  const program = startProgram({
    executable,
    args: [
      ...['-b', '--factory-startup', '-noaudio', '-t', threads, SHOT],
      ...['-o', join(folder.path, '####'), '-F', 'OPEN_EXR', ...what],
    ],
    ...{ sandbox: 'none', readableFolders: [], scratchFolder: folder.path },
    ...{ memoryBytesMax: MEMORY_BYTES_MAX, fileBytesMax: LIMITS.sceneBytesMax },
  });
  program.end();
  const { result, ms } = await timed(() => program.exited);
  invariant(result.code === 0, `Blender ended with ${result.code ?? result.signal}:\n${program.logTail()}`);
  return { wallS: ms / 1000, coreS: program.use().coreSeconds };
}
