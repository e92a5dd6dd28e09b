/** What the store keeps beside a job's own record: how frames ended, which are rendered again, and how the job ended. */
import { z } from 'zod';
import { digestSchema, nodeIdSchema } from '#shared/domain/ids.js';
import { JOB_STATES, OUTPUT_FORMATS } from '#shared/domain/job.js';
import { isJobEnded, type TerminalJobState } from '#shared/state/job-state.js';

/** How one node's try at a tile ended. */
const failedAttemptSchema = z.strictObject({
  attempt: z.int().min(1),
  nodeId: z.string(),
  /** When its report was stored on the bus. */
  atMs: z.number(),
  code: z.string(),
  /** One line: what was thrown, or how the thread ended. */
  message: z.string(),
  logTail: z.string(),
});
export type FailedAttempt = Readonly<z.infer<typeof failedAttemptSchema>>;

const failedTileSchema = z.strictObject({
  tile: z.int().min(0),
  /** Everyone who tried, in the order in which they ended; the last one made it a failed tile. */
  attempts: z.array(failedAttemptSchema),
});
export type FailedTile = Readonly<z.infer<typeof failedTileSchema>>;

/** Which retry of a job something belongs to; 0: the first run. */
const retry = z.int().min(0).default(0);

/** A column of whole numbers. Checked in one go: item by item, reading a frame of 65,536 tiles takes six times as long. */
const column = (min: number) =>
  z.custom<number[]>(
    (value) => Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= min),
    `it must be a list of whole numbers from ${min} on`,
  );

/** Who rendered which tile, in columns by tile: a frame may have 65,536 of them, and few nodes. */
const tileColumnsSchema = z
  .strictObject({
    nodeIds: z.array(nodeIdSchema),
    /** Whose result was placed, as an index into `nodeIds`; -1: the tile was not done when its frame failed. */
    nodes: column(-1),
    attempts: column(0),
    /** Wall time in a slot's thread. */
    renderMs: column(0),
    /** Who gave the same pixels, as an index; -1: the tile was not verified. Empty when none was. */
    agreedNodes: column(-1),
  })
  .refine(
    ({ nodes, attempts, renderMs }) => attempts.length === nodes.length && renderMs.length === nodes.length,
    'its columns differ in length',
  );
export type TileColumns = Readonly<z.infer<typeof tileColumnsSchema>>;

const NO_TILES = { nodeIds: [], nodes: [], attempts: [], renderMs: [], agreedNodes: [] };

const frameCommon = {
  frame: z.int(),
  tilesTotal: z.int().min(1),
  /** How it was cut: 0 is the grid of the job's record, others are in layouts.json. */
  layout: z.int().min(0).default(0),
  tilesDone: z.int().min(0),
  coreSeconds: z.number().min(0),
  finishedAtMs: z.number(),
  nodeIds: z.array(nodeIdSchema),
  /** Not in records of older versions. */
  attemptsFailed: z.int().min(0).default(0),
  tilesSpeculated: z.int().min(0).default(0),
  tilesVerified: z.int().min(0).default(0),
  tiles: tileColumnsSchema.default(NO_TILES),
  retry,
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
    /** The highest attempt at any of its tiles: a retry counts on from it. */
    attemptsUsed: z.int().min(0).default(0),
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
  attemptsFailed: z.int().min(0).default(0),
  tilesSpeculated: z.int().min(0).default(0),
  tilesVerified: z.int().min(0).default(0),
  /** 0: as many as the grid of the job's record makes. */
  tilesTotal: z.int().min(0).default(0),
  retry,
});
export type EndedRecord = Readonly<z.infer<typeof endedRecordSchema>>;

/**
 * `jobs/<job>/retries.json`: which failed frames are to be rendered again. This one file decides. Writing it is the
 * moment at which a retry happens, all of it or nothing: from then on the failed records of its frames, and an
 * `ended.json` from before it, count as not there, because they carry an older `retry` (`superseded`). Nothing has to
 * be removed, so that there is no order of removals in which a kill could lose a frame or leave an ended job with frames
 * that nobody renders; each old record stays, and says how the frame failed, until the new one is renamed over it.
 */
export const retriesRecordSchema = z.strictObject({
  /** Retries so far. */
  count: z.int().min(0),
  frames: z.array(
    z.strictObject({
      frame: z.int(),
      /** The last retry that named it, 1-based. */
      retry: z.int().min(1),
      /**
       * Attempts at its tiles before that: the next is one more. So no try has the name of an earlier one (subjects and
       * message ids stay unique), failures of earlier tries are known by their number and no longer count, and a late
       * result of an earlier try is still what it always was: the right pixels, as scene, settings and plan are the same.
       */
      attemptsBefore: z.int().min(0),
    }),
  ),
});
export type RetriesRecord = Readonly<z.infer<typeof retriesRecordSchema>>;

export const NO_RETRIES: RetriesRecord = { count: 0, frames: [] };

/** Says whether a retry was asked for since a frame failed: its record tells the past. A finished frame stays finished. */
export function superseded(retries: RetriesRecord): (frame: FrameResult) => boolean {
  const lastRetry = new Map(retries.frames.map(({ frame, retry }) => [frame, retry]));
  return (frame) => frame.state === 'failed' && (lastRetry.get(frame.frame) ?? 0) > frame.retry;
}
