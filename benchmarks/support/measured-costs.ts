/** `benchmarks/costs/*.json`: what the pixels of real frames cost the path tracer (measure-costs.ts). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CostMap, costMap } from '#coordinator/planning/cost-map.js';
import { tileGrid } from '#coordinator/planning/tile-grid.js';
import { invariant } from '#shared/invariant.js';
import { ROOT } from './root.js';

export interface MeasuredCosts {
  /** The command that measured it. */
  readonly how: string;
  readonly scene: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly cellPx: number;
  readonly samples: number;
  readonly frames: {
    readonly frame: number;
    /** CPU time of each cell, ms; in rows from the top left. */
    readonly cellMs: readonly number[];
  }[];
}

export function readCosts(name: string): MeasuredCosts {
  return JSON.parse(readFileSync(join(ROOT, 'benchmarks', 'costs', `${name}.json`), 'utf8')) as MeasuredCosts;
}

/** @param samples per pixel of the frame that is planned: cost goes with them. */
export function mapOfFrame(measured: MeasuredCosts, frame: number, samples: number): CostMap {
  const cells = measured.frames.find((one) => one.frame === frame)?.cellMs;
  const grid = tileGrid(measured, { tileWidthPx: measured.cellPx, tileHeightPx: measured.cellPx });
  invariant(cells?.length === grid.count, `frame ${frame} of ${measured.scene} has no costs`);
  const scale = samples / measured.samples;
  const map = costMap(
    measured,
    cells.map((ms, cell) => ({ region: grid.regionOfTile(cell), ms: ms * scale })),
  );
  invariant(map, `frame ${frame} of ${measured.scene} costs nothing`);
  return map;
}
