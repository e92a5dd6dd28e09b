/**
 * `jobs/<job>/layouts.json`: how later frames of a job are cut, decided while it runs. Written before any tile of a new
 * layout is queued, and read at a restart, so that results on the bus keep their meaning.
 */
import { z } from 'zod';
import { type PlanId, planIdSchema } from '#shared/domain/ids.js';
import type { Region } from '#shared/domain/region.js';
import { LIMITS } from '#shared/limits.js';
import type { Layout } from './layout.js';

/** A job's cuts get better by less and less; each is a file to be rewritten. */
export const LAYOUTS_PER_JOB_MAX = 32;
const BYTES_PER_REGION = 8;
const BYTES_PER_TIME = 4;

const tilesMax = LIMITS.tilesPerFrameMax;
const packed = (bytesPerTile: number) => z.base64().max(Math.ceil((tilesMax * bytesPerTile) / 3) * 4 + 4);

export const layoutRecordSchema = z
  .strictObject({
    id: z.int().min(1).max(LAYOUTS_PER_JOB_MAX),
    planId: planIdSchema,
    /** Per tile x0, y0, x1, y1 as little-endian 16-bit whole numbers; tiles in the order in which they are given out. */
    regions: packed(BYTES_PER_REGION),
    /** Per tile the time that it is expected to take in a slot, ms, as little-endian float32. */
    expectedMs: packed(BYTES_PER_TIME),
    /** The frames that it is for: places in the job's list, first and last of each run, rising. */
    frames: z.array(z.tuple([z.int().min(0), z.int().min(0)])).min(1),
  })
  .refine(({ regions, expectedMs }) => {
    const tiles = packedBytes(regions) / BYTES_PER_REGION;
    return Number.isInteger(tiles) && tiles >= 1 && packedBytes(expectedMs) === tiles * BYTES_PER_TIME;
  }, 'its columns differ in length');
export type LayoutRecord = Readonly<z.infer<typeof layoutRecordSchema>>;

export const layoutsRecordSchema = z
  .strictObject({ layouts: z.array(layoutRecordSchema).max(LAYOUTS_PER_JOB_MAX) })
  .refine(({ layouts }) => layouts.every(({ id }, index) => id === index + 1), 'a layout is missing');
export type LayoutsRecord = Readonly<z.infer<typeof layoutsRecordSchema>>;
export const NO_LAYOUTS: LayoutsRecord = { layouts: [] };

/** A tile of a cut that is not recorded yet. */
export interface CostedRegion {
  readonly region: Region;
  /** ms in a slot. */
  readonly expectedMs: number;
}

export function layoutRecord(
  id: number,
  planId: PlanId,
  tiles: readonly CostedRegion[],
  frames: LayoutRecord['frames'],
): LayoutRecord {
  const regions = Buffer.alloc(tiles.length * BYTES_PER_REGION);
  const times = Buffer.alloc(tiles.length * BYTES_PER_TIME);
  for (const [tile, { region, expectedMs }] of tiles.entries()) {
    for (const [index, edge] of [region.x0, region.y0, region.x1, region.y1].entries())
      regions.writeUInt16LE(edge, tile * BYTES_PER_REGION + index * 2);
    times.writeFloatLE(expectedMs, tile * BYTES_PER_TIME);
  }
  const expectedMs = times.toString('base64');
  return { id, planId, regions: regions.toString('base64'), expectedMs, frames };
}

/** Twelve bytes per tile, shared by all frames that are cut like this. */
export function unpackLayout(record: LayoutRecord): Layout {
  const regions = Buffer.from(record.regions, 'base64');
  const times = Buffer.from(record.expectedMs, 'base64');
  const edge = (tile: number, index: number) => regions.readUInt16LE(tile * BYTES_PER_REGION + index * 2);
  return {
    id: record.id,
    planId: record.planId,
    count: regions.length / BYTES_PER_REGION,
    regionOfTile: (tile) => ({ x0: edge(tile, 0), y0: edge(tile, 1), x1: edge(tile, 2), y1: edge(tile, 3) }),
    tileAt: (place) => place,
    expectedMsOf: (tile) => times.readFloatLE(tile * BYTES_PER_TIME),
  };
}

function packedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}
