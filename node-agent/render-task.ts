/** What crosses the threads of the render pool: plain data. */
import type { RenderSettings } from '#shared/domain/job.js';
import type { Region } from '#shared/domain/region.js';
import type { Programs } from './renderers/program/program.js';
import type { LocalScene, PreparedFrame } from './renderers/renderer.js';
import type { ControlBlock } from './tile-control.js';

/** All that the tiles of one frame share. A thread keeps it by `key`, so that it crosses once per thread. */
export interface FrameContext {
  readonly renderer: string;
  /** The job's pin; absent: any that is here. */
  readonly rendererVersion?: string | undefined;
  /** What the node has for renderers that are not our own code; absent for those that are. */
  readonly programs?: Programs | undefined;
  readonly scene: LocalScene;
  readonly settings: RenderSettings;
  readonly frame: number;
  readonly prepared: PreparedFrame;
}

/** Tiles of one frame, rendered one after the other: one, or several where a tile takes less time than handing it over. */
export interface RenderTask {
  readonly key: string;
  /** Absent when the thread is thought to have it. */
  readonly context?: FrameContext;
  readonly tiles: readonly { readonly region: Region; readonly control: ControlBlock }[];
}

/** What a tile cost. */
export interface TileCost {
  readonly renderMs: number;
  readonly coreSeconds: number;
  /**
   * The most that its thread used while it rendered: JS heap and array buffers, the renderer's warm session among them,
   * prepared frames (which all slots share) not; or what the renderer's own processes used, where that is more. Absent
   * where no thread could measure it.
   */
  readonly peakMemoryBytes?: number;
}

export interface AttemptFailure {
  readonly code: string;
  readonly message: string;
  /** The end of what the thread wrote and of the stack. */
  readonly logTail: string;
  /** No node could ever render it. */
  readonly permanent: boolean;
}

export type RenderAnswer =
  | ({
      readonly kind: 'rendered';
      readonly threadId: number;
      /** e.g. `gltf 1.0.0+ts-bvh2` */
      readonly renderer: string;
      readonly bytes: Uint8Array;
      /** lower-case hex SHA-256 of `bytes` */
      readonly digest: string;
    } & TileCost)
  | ({ readonly kind: 'failed'; readonly threadId: number; readonly renderer: string } & AttemptFailure &
      TileCost)
  | { readonly kind: 'cancelled'; readonly threadId: number };

/** The answers in the order of the tiles. */
export type RenderReply =
  | { readonly kind: 'answers'; readonly threadId: number; readonly answers: readonly RenderAnswer[] }
  /** The thread does not have the frame (any more): send the task again with its context. */
  | { readonly kind: 'context_missing'; readonly threadId: number };

/** What a slot's thread is told when it starts. */
export interface RenderThreadData {
  readonly slotMemoryBytes: number;
  /** Sessions make their scratch folders in it. */
  readonly scratchFolder: string;
}

export interface PrepareTask {
  readonly renderer: string;
  /** The job's pin; absent: any that is here. */
  readonly rendererVersion?: string | undefined;
  /** What the node has for renderers that are not our own code; absent for those that are. */
  readonly programs?: Programs | undefined;
  readonly scene: LocalScene;
  readonly settings: RenderSettings;
  readonly frame: number;
}

export type PrepareAnswer =
  | {
      readonly kind: 'prepared';
      readonly prepared: PreparedFrame;
      /** Of its SharedArrayBuffers. */
      readonly sharedBytes: number;
    }
  | ({ readonly kind: 'failed' } & AttemptFailure);
