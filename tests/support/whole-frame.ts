/** The reference of every golden test: one renderer, one thread, no farm. */

import type { LocalScene, Renderer } from '#node-agent/renderers/renderer.js';
import type { RenderSettings } from '#shared/domain/job.js';
import type { Region } from '#shared/domain/region.js';
import { regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { decodeTile, encodeTile } from '#shared/image/tile-codec.js';
import { SESSION } from './session.js';

const NEVER_CANCELLED = { isCancelled: () => false, progress: () => undefined };

/** Every encoded tile of `regions`, rendered one after the other in one warm session. */
export async function renderTiles(
  renderer: Renderer,
  scene: LocalScene,
  settings: RenderSettings,
  frame: number,
  regions: readonly Region[],
): Promise<Uint8Array[]> {
  const prepared = await renderer.prepare({ scene, settings, frame });
  const session = await renderer.open(SESSION);
  try {
    const tiles: Uint8Array[] = [];
    for (const region of regions) {
      const { layers } = await session.render({ scene, settings, frame, region, prepared }, NEVER_CANCELLED);
      tiles.push(encodeTile(layers, regionWidthPx(region), regionHeightPx(region)));
    }
    return tiles;
  } finally {
    await session.close();
  }
}

/** The whole frame as one tile, decoded: what any stitched frame must equal bit for bit. */
export async function renderWholeFrame(
  renderer: Renderer,
  scene: LocalScene,
  settings: RenderSettings,
  frame: number,
) {
  const whole = { x0: 0, y0: 0, x1: settings.widthPx, y1: settings.heightPx };
  const [bytes] = await renderTiles(renderer, scene, settings, frame, [whole]);
  return decodeTile(bytes!, {
    layers: settings.layers,
    widthPx: settings.widthPx,
    heightPx: settings.heightPx,
  });
}
