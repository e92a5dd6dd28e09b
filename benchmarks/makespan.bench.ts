/**
 * How evenly a heavy frame is spread over the slots, when its tiles are given out in order and each slot takes the next
 * one: with grids of fixed tiles, and with ours, whose second frame is cut by what was learnt of a first one in the tiles
 * of `auto`, and whose third one by what was learnt of both. Simulated, on measured costs of real pixels
 * (measure-costs.ts); each tile costs its overhead on top.
 */
import { blendMaps, type CostMap, costMap, regionCosts } from '#coordinator/planning/cost-map.js';
import { makespan } from '#coordinator/planning/makespan.js';
import { type KnownCosts, nextLayout } from '#coordinator/planning/next-layout.js';
import { tileGrid } from '#coordinator/planning/tile-grid.js';
import { tileSize } from '#coordinator/planning/tile-size.js';
import { tileOverheadMs } from '#coordinator/planning/tile-target.js';
import type { PlanId } from '#shared/domain/ids.js';
import type { Region } from '#shared/domain/region.js';
import { regionPixels } from '#shared/domain/region.js';
import { invariant } from '#shared/invariant.js';
import type { Answer, Benchmark, Figures } from './support/benchmark.js';
import { mapOfFrame, readCosts } from './support/measured-costs.js';
import { rounded } from './support/statistics.js';

/** With these, a frame takes three quarters of an hour of one core. */
const SCENES = [
  { name: 'helmet', learntOn: 0, renderedOn: 0, samples: 4_096 },
  { name: 'valley', learntOn: 0, renderedOn: 1, samples: 512 },
] as const;
const SLOTS = [8, 32, 128];
const GRIDS_PX = [64, 128, 256];
const RATIO_MAX = 1.03;
const OVERHEAD_MS = tileOverheadMs('gltf');

export const benchmark: Benchmark = {
  question: 'how long does a skewed frame take on many slots, beside the same work evenly spread?',
  async run(say): Promise<Answer> {
    const rows: Figures[] = [];
    for (const scene of SCENES) {
      const measured = readCosts(scene.name);
      say(`${scene.name}: ${measured.how}`);
      const learnt = mapOfFrame(measured, scene.learntOn, scene.samples);
      const rendered = mapOfFrame(measured, scene.renderedOn, scene.samples);
      say(
        `its dearest hundredth of the frame takes ${Math.round(100 * shareOfDearest(rendered))} % of the time`,
      );
      for (const slots of SLOTS) rows.push(row(scene, learnt, rendered, slots));
    }
    const worst = Math.max(...rows.map(({ oursThird }) => Number(oursThird)));
    const overhead = Math.max(...rows.map(({ overheadPct }) => Number(overheadPct)));
    return {
      rows,
      targets: [
        { what: 'makespan ÷ (total cost ÷ slots), ours', value: worst, atMost: RATIO_MAX },
        { what: 'overhead of tiles in % of the frame, ours', value: overhead, atMost: 2 },
      ],
    };
  },
};

function row(scene: (typeof SCENES)[number], learnt: CostMap, rendered: CostMap, slots: number): Figures {
  const { widthPx, heightPx } = rendered;
  const real = regionCosts(rendered);
  const idealMs = real.totalMs / slots;
  const ratio = (regions: readonly Region[]) =>
    makespan(
      regions.map((region) => real.of(region) + OVERHEAD_MS),
      slots,
    ) / idealMs;
  const grids = GRIDS_PX.map((px) => [
    `grid${px}`,
    rounded(ratio(gridOf(rendered, { tileWidthPx: px, tileHeightPx: px }))),
  ]);
  const { samples } = scene;
  const auto = tileSize('auto', { widthPx, heightPx, samples, slots, frames: 24, renderer: 'gltf' });
  const first = gridOf(rendered, auto);
  const ofFirst = learnFrom(learnt, first);
  const second = cutBy({ map: ofFirst, seen: ofFirst }, first, slots);
  const ofSecond = learnFrom(learnt, second);
  const third = cutBy({ map: blendMaps(ofFirst, ofSecond, 0.5), seen: ofSecond }, second, slots);
  return {
    ...{ scene: scene.name, samples, slots, idealS: rounded(idealMs / 1000) },
    ...(Object.fromEntries(grids) as Record<string, number>),
    ...{
      oursFirst: rounded(ratio(first)),
      oursSecond: rounded(ratio(second)),
      oursThird: rounded(ratio(third)),
    },
    ...{ tiles: third.length, overheadPct: rounded((100 * third.length * OVERHEAD_MS) / real.totalMs) },
  };
}

function gridOf(
  frame: { widthPx: number; heightPx: number },
  tile: { tileWidthPx: number; tileHeightPx: number },
): Region[] {
  const grid = tileGrid(frame, tile);
  return Array.from({ length: grid.count }, (_, index) => grid.regionOfTile(index));
}

/** What the farm knows after a frame that was cut like this: what each tile took, no more. */
function learnFrom(real: CostMap, regions: readonly Region[]): CostMap {
  const costs = regionCosts(real);
  const map = costMap(
    real,
    regions.map((region) => ({ region, ms: costs.of(region) })),
  );
  invariant(map, 'a frame that costs nothing');
  return map;
}

/** As loops/learn-layouts.ts has it. */
function cutBy(costs: KnownCosts, regions: readonly Region[], slots: number): readonly Region[] {
  const current = {
    ...{ id: 0, planId: 'plan' as PlanId, count: regions.length },
    regionOfTile: (tile: number) => regions[tile]!,
    tileAt: (place: number) => place,
    expectedMsOf: () => 0,
  };
  const next = nextLayout({ ...costs, current, slots, overheadMs: OVERHEAD_MS, order: 'rows' });
  const cut = next?.tiles.map(({ region }) => region) ?? regions;
  const covered = cut.reduce((sum, region) => sum + regionPixels(region), 0);
  invariant(covered === costs.map.widthPx * costs.map.heightPx, `${covered} px are covered`);
  return cut;
}

function shareOfDearest({ msPerPx }: CostMap): number {
  const sorted = Float64Array.from(msPerPx).sort().reverse();
  const sum = (cells: Float64Array) => cells.reduce((total, ms) => total + ms, 0);
  return sum(sorted.subarray(0, Math.ceil(sorted.length / 100))) / sum(sorted);
}
