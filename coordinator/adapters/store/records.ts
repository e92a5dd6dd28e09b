/** What the store keeps beside a job's own record: how frames ended, and how the job did. */
import { z } from 'zod';
import { digestSchema, nodeIdSchema } from '#shared/domain/ids.js';
import { JOB_STATES, OUTPUT_FORMATS } from '#shared/domain/job.js';
import { isJobEnded, type TerminalJobState } from '#shared/state/job-state.js';

const failedTileSchema = z.strictObject({
  tile: z.int().min(0),
  attempt: z.int().min(1),
  nodeId: z.string(),
  code: z.string(),
  message: z.string(),
  logTail: z.string(),
});
export type FailedTile = Readonly<z.infer<typeof failedTileSchema>>;

const frameCommon = {
  frame: z.int(),
  tilesTotal: z.int().min(1),
  tilesDone: z.int().min(0),
  coreSeconds: z.number().min(0),
  finishedAtMs: z.number(),
  nodeIds: z.array(nodeIdSchema),
};

/** `jobs/<job>/frames/<frame>.json`: written once, when the frame's files are complete, or when it has failed. */
export const frameResultSchema = z.discriminatedUnion('state', [
  z.strictObject({
    ...frameCommon,
    state: z.literal('finished'),
    files: z.array(
      z.strictObject({
        format: z.enum(OUTPUT_FORMATS),
        name: z.string().regex(/^[^/\\]+$/),
        sizeBytes: z.int().min(0),
        digest: digestSchema,
      }),
    ),
  }),
  z.strictObject({
    ...frameCommon,
    state: z.literal('failed'),
    reason: z.string(),
    failedTiles: z.array(failedTileSchema),
  }),
]);
export type FrameResult = Readonly<z.infer<typeof frameResultSchema>>;

/** `jobs/<job>/ended.json` */
export const endedRecordSchema = z.strictObject({
  state: z
    .enum(JOB_STATES)
    .refine(isJobEnded, 'not an end')
    .transform((state) => state as TerminalJobState),
  finishedAtMs: z.number(),
  framesFinished: z.int().min(0),
  framesFailed: z.int().min(0),
  tilesDone: z.int().min(0),
  tilesFailed: z.int().min(0),
  coreSeconds: z.number().min(0),
});
export type EndedRecord = Readonly<z.infer<typeof endedRecordSchema>>;
