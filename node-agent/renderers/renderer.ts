/**
 * What a renderer is to the farm. `prepare` runs once per node and frame, in the preparation thread; what it returns is
 * handed to every slot (SharedArrayBuffers are shared, not copied). `open` gives a slot's thread a session that stays
 * warm from tile to tile. A renderer's pixels depend on the scene, the settings, the frame and the pixel only: never on
 * the tile, the order, the thread or the node (invariant 1).
 */
import type { RenderSettings } from '#shared/domain/job.js';
import type { LayerPixels } from '#shared/domain/layers.js';
import type { Region } from '#shared/domain/region.js';

/** A scene package on this node's disk: every path of the manifest is a verified file below `folder`. */
export interface LocalScene {
  readonly folder: string;
  /** Package path of the scene file. */
  readonly entry: string;
}

export interface FrameRequest {
  readonly scene: LocalScene;
  readonly settings: RenderSettings;
  readonly frame: number;
}

/** Structured-cloneable; the renderer alone knows what is inside. */
export type PreparedFrame = unknown;

export interface TileRequest extends FrameRequest {
  readonly region: Region;
  readonly prepared: PreparedFrame;
}

/** How a running tile is talked to while its thread is busy: flags in shared memory, since no message gets through. */
export interface TileControl {
  /**
   * The renderer asks at least every 100 ms or so and throws RENDER_CANCELLED; not to ask for two minutes is to hang.
   * @throws TILE_MEMORY_LIMIT, which the renderer lets pass.
   */
  isCancelled(): boolean;
  /** 0 to 1, never falling. A renderer that tells it at all tells every step: one that stands still for minutes is ended. */
  progress(ratio: number): void;
}

/** What a renderer's own processes used for a tile, beside the slot's thread. */
export interface ProcessUse {
  readonly coreSeconds: number;
  readonly peakMemoryBytes: number;
}

export interface RenderedTile {
  readonly use?: ProcessUse;
  /** The layers of `settings.layers`, in that order, each `region height × region width × channels`. */
  readonly layers: readonly LayerPixels[];
}

export interface Session {
  /** One tile at a time. @throws FarmError; what its processes used until then may be told in the error's own `use: ProcessUse`. */
  render(tile: TileRequest, control: TileControl): Promise<RenderedTile>;
  close(): Promise<void>;
}

/** What a slot gives its session. */
export interface SessionContext {
  /** Of the slot; a session watches the memory of its own processes and throws TILE_MEMORY_LIMIT. */
  readonly slotMemoryBytes: number;
  /** An empty folder of this slot alone; what a killed agent left in it is removed when the next one starts. */
  readonly scratchFolder: string;
}

export interface Renderer {
  readonly name: string;
  /** Version and kernel; equal text promises equal pixels. */
  readonly version: string;
  /** @throws FarmError SCENE_… when no node could ever render this. */
  prepare(request: FrameRequest): Promise<PreparedFrame>;
  open(context: SessionContext): Promise<Session>;
}
