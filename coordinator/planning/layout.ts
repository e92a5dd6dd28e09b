/**
 * How the frames of a job are cut: numbered, each with a plan id of its own, so that a result says which cut it is of.
 * Layout 0 is the grid of the job's record; later ones follow what tiles were found to cost (loops/learn-layouts.ts).
 * A frame has one layout for life.
 */
import type { PlanId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { Region } from '#shared/domain/region.js';
import { type TileGrid, tileGrid } from './tile-grid.js';
import { tilePlaces } from './tile-places.js';

export interface Layout {
  /** 0: the grid of the record. */
  readonly id: number;
  readonly planId: PlanId;
  /** Tiles of a frame. */
  readonly count: number;
  /** Region of a tile (0-based), px. */
  regionOfTile(tile: number): Region;
  /** Which tile is given out at a place in the order, 0-based. */
  tileAt(place: number): number;
  /** What a tile is expected to take in a slot, ms; 0: not known. */
  expectedMsOf(tile: number): number;
}

export type GridLayout = Layout & TileGrid;

/** Layout 0 of a job. */
export function gridLayout(record: Pick<JobRecord, 'settings' | 'plan' | 'schedule'>): GridLayout {
  const grid = tileGrid(record.settings, record.plan);
  return {
    ...grid,
    id: 0,
    planId: record.plan.planId,
    tileAt: tilePlaces(grid, record.schedule.tileOrder),
    expectedMsOf: () => 0,
  };
}
