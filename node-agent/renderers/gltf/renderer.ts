/**
 * The built-in glTF 2.0 renderer. `prepare` loads one frame and builds its tables once per node; a session keeps the
 * tracers of the frames that its thread renders now.
 */
import type {
  PreparedFrame,
  RenderedTile,
  Renderer,
  Session,
  TileControl,
  TileRequest,
} from '../renderer.js';
import { loadFrame } from './load/load-frame.js';
import { buildTraceScene } from './trace/build-trace-scene.js';
import { KERNEL_NAME } from './trace/intersector.js';
import { PathTracer } from './trace/path-tracer.js';
import { renderTile } from './trace/render-tile.js';
import type { TraceScene } from './trace/trace-scene.js';

/** Raised with every change that moves a bit of any picture. */
const PICTURE_VERSION = 2;
/** Frames of a job overlap by one at most: the last tiles of one and the first of the next. */
const WARM_FRAMES_MAX = 2;

/** V8's version is part of it: sine, cosine and powers are its own, and may differ in the last bit between builds. */
export const gltfRenderer: Renderer = {
  name: 'gltf',
  version: `gltf ${PICTURE_VERSION}+${KERNEL_NAME}+v8-${process.versions.v8}`,

  async prepare(request): Promise<PreparedFrame> {
    return buildTraceScene(await loadFrame(request));
  },

  async open(): Promise<Session> {
    return new GltfSession();
  },
};

class GltfSession implements Session {
  /** By the scene's id, in order of last use. */
  readonly #tracers = new Map<string, { readonly scene: TraceScene; readonly tracer: PathTracer }>();

  async render(tile: TileRequest, control: TileControl): Promise<RenderedTile> {
    const { scene, tracer } = this.#warm(tile.prepared as TraceScene);
    const { widthPx, heightPx, samples, seed, layers } = tile.settings;
    const { region, frame } = tile;
    return {
      layers: renderTile(scene, tracer, { region, frame, widthPx, heightPx, samples, seed, layers }, control),
    };
  }

  async close(): Promise<void> {
    this.#tracers.clear();
  }

  #warm(prepared: TraceScene): { readonly scene: TraceScene; readonly tracer: PathTracer } {
    const warm = this.#tracers.get(prepared.id) ?? { scene: prepared, tracer: new PathTracer(prepared) };
    this.#tracers.delete(prepared.id);
    this.#tracers.set(prepared.id, warm);
    for (const id of this.#tracers.keys()) {
      if (this.#tracers.size <= WARM_FRAMES_MAX) break;
      this.#tracers.delete(id);
    }
    return warm;
  }
}
