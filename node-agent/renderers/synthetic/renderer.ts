/**
 * Known pixels at a known cost, for tests and benchmarks: the pattern of `syntheticPixel`, a busy loop per tile, and
 * failures where the scene file asks for them, so that the farm's handling of failures meets real ones.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RenderSettings } from '#shared/domain/job.js';
import { LAYERS, type LayerName, type LayerPixels } from '#shared/domain/layers.js';
import { type Region, regionHeightPx, regionPixels, regionWidthPx } from '#shared/domain/region.js';
import type { FrameRequest, RenderedTile, Renderer, Session, TileControl, TileRequest } from '../renderer.js';
import { cancelled, goWrongWhereAsked, prepareWrongWhereAsked } from './faults.js';
import { readSyntheticScene, type SyntheticScene } from './scene-file.js';
import { syntheticPixel } from './synthetic-pixel.js';
import { SYNTHETIC_VERSION } from './version.js';

/** How often a busy tile asks whether it is cancelled: far below the 100 ms that it is allowed. */
const ASK_EVERY_MS = 5;

export const syntheticRenderer: Renderer = {
  name: 'synthetic',
  version: SYNTHETIC_VERSION,
  async prepare({ scene }: FrameRequest): Promise<SyntheticScene> {
    const description = await readSyntheticScene(scene);
    await prepareWrongWhereAsked(description);
    stayBusy(description.prepareMs);
    return description;
  },
  async open(): Promise<Session> {
    return { render: renderTile, close: async () => undefined };
  },
};

async function renderTile(tile: TileRequest, control: TileControl): Promise<RenderedTile> {
  const scene = tile.prepared as SyntheticScene;
  await goWrongWhereAsked(scene, tile.region, control);
  const costMs = scene.costMs ?? tile.settings.syntheticCostMs;
  if (control.isCancelled()) throw cancelled();
  stayBusy(costMs, control);
  await wait(scene.waitMs, control);
  const layers = syntheticTile(tile.settings, tile.frame, tile.region);
  control.progress(1);
  return { layers };
}

/** The layers of one tile of the pattern, as `settings.layers` lists them. */
export function syntheticTile(
  settings: Pick<RenderSettings, 'layers' | 'seed'>,
  frame: number,
  region: Region,
): LayerPixels[] {
  return settings.layers.map((name) => ({ name, data: patternOf(name, region, frame, settings.seed) }));
}

function patternOf(layer: LayerName, region: Region, frame: number, seed: number): Float32Array {
  const channels = LAYERS[layer].channels.length;
  const data = new Float32Array(regionPixels(region) * channels);
  const [widthPx, heightPx] = [regionWidthPx(region), regionHeightPx(region)];
  let index = 0;
  for (let row = 0; row < heightPx; row++) {
    for (let column = 0; column < widthPx; column++) {
      for (let channel = 0; channel < channels; channel++) {
        data[index++] = syntheticPixel(layer, region.x0 + column, region.y0 + row, channel, frame, seed);
      }
    }
  }
  return data;
}

function stayBusy(costMs: number, control?: TileControl): void {
  if (costMs <= 0) return;
  const startMs = performance.now();
  let askAtMs = startMs + ASK_EVERY_MS;
  for (let nowMs = startMs; nowMs < startMs + costMs; nowMs = performance.now()) {
    if (!control || nowMs < askAtMs) continue;
    if (control.isCancelled()) throw cancelled();
    control.progress((nowMs - startMs) / costMs);
    askAtMs = nowMs + ASK_EVERY_MS;
  }
}

async function wait(waitMs: number, control: TileControl): Promise<void> {
  const startMs = performance.now();
  for (let leftMs = waitMs; leftMs > 0; leftMs = startMs + waitMs - performance.now()) {
    await delay(Math.min(leftMs, ASK_EVERY_MS));
    if (control.isCancelled()) throw cancelled();
    control.progress(Math.min(1, (performance.now() - startMs) / waitMs));
  }
}
