/** Where the time of a job's frames goes (planning/cost-map.ts), from results that are at hand and from records of frames. */
import type { JobId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { FrameResult } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import { blendMaps, type CostMap, costMap, scaleMap, type TimedRegion } from '../planning/cost-map.js';
import { tileOverheadMs } from '../planning/tile-target.js';
import { JobLayouts } from './job-layouts.js';
import type { LiveFrame } from './live-frame.js';

/** Of a preview, evenly spread: a layout is for all frames of the job. */
const PREVIEW_FRAMES = 8;

/** What the results of a frame tell, all or some; nothing when its pixels took no time. */
export function costsOfFrame(record: JobRecord, frame: LiveFrame): CostMap | undefined {
  return mapOf(record, timedTiles(frame));
}

/** What the pixels of a job will cost, by what those of its preview did; nothing when that is not known. */
export async function previewCosts(
  { jobs, store }: Pick<Farm, 'jobs' | 'store'>,
  record: JobRecord,
  previewJobId: JobId,
): Promise<CostMap | undefined> {
  if (!jobs.has(previewJobId)) return undefined;
  const preview = jobs.get(previewJobId).record;
  const { settings } = preview;
  const isAlike =
    settings.widthPx === record.settings.widthPx && settings.heightPx === record.settings.heightPx;
  if (!isAlike) return undefined;
  const layouts = new JobLayouts(preview, await store.jobs.readLayouts(previewJobId));
  let map: CostMap | undefined;
  const step = Math.max(1, Math.floor(preview.frames.length / PREVIEW_FRAMES));
  for (let index = 0, seen = 0; index < preview.frames.length; index += step) {
    const frame = await store.jobs.readFrame(previewJobId, preview.frames[index]!);
    const newer = frame?.state === 'finished' ? mapOf(preview, recordedTiles(layouts, frame)) : undefined;
    if (newer) map = blendMaps(map, newer, 1 / ++seen);
  }
  return map && scaleMap(map, record.settings.samples / settings.samples);
}

function mapOf({ settings }: JobRecord, tiles: Iterable<TimedRegion>): CostMap | undefined {
  const overheadMs = tileOverheadMs(settings.renderer);
  const withoutOverhead = function* () {
    for (const { region, ms } of tiles) yield { region, ms: ms - overheadMs };
  };
  return costMap(settings, withoutOverhead());
}

function* timedTiles({ layout, results }: LiveFrame): Generator<TimedRegion> {
  for (const [tile, result] of results.entries())
    if (result) yield { region: layout.regionOfTile(tile), ms: result.renderMs };
}

function* recordedTiles(layouts: JobLayouts, { layout: id, tiles }: FrameResult): Generator<TimedRegion> {
  const layout = layouts.byId(id);
  if (!layout || tiles.nodes.length !== layout.count) return;
  for (const [tile, node] of tiles.nodes.entries())
    if (node >= 0) yield { region: layout.regionOfTile(tile), ms: tiles.renderMs[tile]! };
}
