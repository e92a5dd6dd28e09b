/** What is said to and by worker.py: one JSON object a line, every request answered by one `id`. */
import { z } from 'zod';
import type { RenderSettings } from '#shared/domain/job.js';
import type { Region } from '#shared/domain/region.js';
import { sceneInspectionSchema } from '#shared/domain/scene-inspection.js';
import { ERROR_CODES, type ErrorCode } from '#shared/errors.js';

export interface OpenRequest {
  readonly kind: 'open';
  readonly folder: string;
  readonly entry: string;
  readonly sourceRoot?: string | undefined;
  readonly allowScripts: boolean;
  readonly allowMissing: boolean;
}

export interface TileMessage {
  readonly kind: 'tile';
  readonly frame: number;
  readonly region: Region;
  readonly settings: Pick<
    RenderSettings,
    'scene' | 'camera' | 'viewLayer' | 'widthPx' | 'heightPx' | 'samples' | 'seed' | 'layers'
  >;
  /** The file to write, absolute. */
  readonly out: string;
}

export type WorkerRequest = OpenRequest | TileMessage;

const text = z.string().max(4096);
const id = z.int().min(1);
const code = z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]);

export const workerMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), version: text }),
  z.object({ kind: z.literal('opened'), id }),
  z.object({ kind: z.literal('rendered'), id, viewLayer: text }),
  z.object({ kind: z.literal('failed'), id, code, message: text }),
]);
/** The one answer of inspect_scene.py. */
export const inspectMessageSchema = z.discriminatedUnion('kind', [
  sceneInspectionSchema
    .omit({ renderer: true, rendererVersion: true })
    .extend({ kind: z.literal('inspected') }),
  z.object({ kind: z.literal('failed'), code, message: text }),
]);
export type InspectMessage = z.infer<typeof inspectMessageSchema>;
export type WorkerMessage = z.infer<typeof workerMessageSchema>;
