/**
 * A slot's session: one process per area of a tile, and the areas that several tiles are cut from kept for the next tiles
 * of the same frame.
 */
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import type { Installation, Sandbox } from '../program/program.js';
import type {
  ProcessUse,
  RenderedTile,
  Session,
  SessionContext,
  TileControl,
  TileRequest,
} from '../renderer.js';
import { readAreaExr } from './read-exr.js';
import { widened } from './render-ini.js';
import { PovrayFailure, runPovray } from './run-povray.js';
import type { SceneIni } from './scene-ini.js';
import type { SceneTraits } from './scene-traits.js';
import { copyShared, tileAreas } from './tile-areas.js';

export interface PreparedPovray {
  readonly traits: SceneTraits;
  readonly ini: SceneIni;
}

const CHANNELS = 4;
/** 64 MB of RGBA: a frame of 2560x1600 px, or 256 cells. A larger one is kept alone. */
const KEPT_PIXELS_MAX = 2 ** 22;
const ALL_EFFECTS = 9;

export class PovraySession implements Session {
  readonly #installation: Installation;
  readonly #sandbox: Sandbox;
  readonly #context: SessionContext;
  /** Areas of the frame that was rendered last, in the order of last use. */
  readonly #kept = new Map<string, { readonly area: Region; readonly pixels: Float32Array }>();
  #frame = '';

  constructor(installation: Installation, sandbox: Sandbox, context: SessionContext) {
    this.#installation = installation;
    this.#sandbox = sandbox;
    this.#context = context;
  }

  async render(tile: TileRequest, control: TileControl): Promise<RenderedTile> {
    const { region, settings } = tile;
    const { traits } = tile.prepared as PreparedPovray;
    const areas = tileAreas(region, traits.history, settings.widthPx, settings.heightPx);
    this.#turnTo(tile);
    const data = new Float32Array(regionWidthPx(region) * regionHeightPx(region) * CHANNELS);
    let use: ProcessUse = { coreSeconds: 0, peakMemoryBytes: 0 };
    const add = (more: ProcessUse) => {
      use = {
        coreSeconds: use.coreSeconds + more.coreSeconds,
        peakMemoryBytes: Math.max(use.peakMemoryBytes, more.peakMemoryBytes),
      };
    };
    for (const area of areas) copyShared(await this.#pixelsOf(area, tile, control, add), area, data, region);
    // Only the end: between the steps of a long tile it would seem to stand still.
    control.progress(1);
    return { layers: settings.layers.map((name) => ({ name, data })), use };
  }

  async close(): Promise<void> {
    this.#kept.clear();
  }

  async #pixelsOf(
    area: Region,
    tile: TileRequest,
    control: TileControl,
    add: (use: ProcessUse) => void,
  ): Promise<Float32Array> {
    const { history } = (tile.prepared as PreparedPovray).traits;
    if (history === 'none') return this.#renderArea(area, tile, control, add);
    const key = `${area.x0},${area.y0}`;
    const pixels = this.#kept.get(key)?.pixels ?? (await this.#renderArea(area, tile, control, add));
    this.#keep(key, area, pixels);
    return pixels;
  }

  async #renderArea(
    area: Region,
    tile: TileRequest,
    control: TileControl,
    add: (use: ProcessUse) => void,
  ): Promise<Float32Array> {
    const { settings, scene, frame } = tile;
    const { widthPx, heightPx, samples, fps } = settings;
    const { traits, ini } = tile.prepared as PreparedPovray;
    try {
      const { file, use } = await runPovray({
        installation: this.#installation,
        sandbox: this.#sandbox,
        scene,
        scratchFolder: this.#context.scratchFolder,
        memoryBytesMax: this.#context.slotMemoryBytes,
        options: {
          ...{ widthPx, heightPx, samples, fps, frame },
          area: widened(area, widthPx, heightPx),
          // A random sequence per thread: which pixels it meets depends on their race.
          threads: traits.history === 'none' ? settings.threadsPerSlot : 1,
          sceneIni: ini,
          hasAlpha: traits.hasAlpha,
          quality: ALL_EFFECTS,
        },
        check: () => {
          if (control.isCancelled()) throw new FarmError('RENDER_CANCELLED', 'the tile was cancelled');
        },
      });
      add(use);
      return readAreaExr(file, widthPx, heightPx, area);
    } catch (error) {
      // The thread keeps what is written to standard error for the log of a failed attempt.
      if (error instanceof PovrayFailure) process.stderr.write(`${error.log}\n`);
      throw error;
    }
  }

  /** Areas of another frame are of no use any more. */
  #turnTo({ scene, settings, frame }: TileRequest): void {
    const key = JSON.stringify([scene, settings, frame]);
    if (key === this.#frame) return;
    this.#kept.clear();
    this.#frame = key;
  }

  #keep(key: string, area: Region, pixels: Float32Array): void {
    this.#kept.delete(key);
    this.#kept.set(key, { area, pixels });
    let total = 0;
    for (const kept of this.#kept.values()) total += kept.pixels.length / CHANNELS;
    for (const [old, { pixels: oldest }] of this.#kept) {
      if (total <= KEPT_PIXELS_MAX || old === key) break;
      this.#kept.delete(old);
      total -= oldest.length / CHANNELS;
    }
  }
}
