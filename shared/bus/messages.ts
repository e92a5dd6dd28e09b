/** What travels on the bus, one schema per message. Whatever does not fit its schema is refused with MESSAGE_INVALID. */
import { z } from 'zod';
import { digestSchema, jobIdSchema, nodeIdSchema, planIdSchema } from '../domain/ids.js';
import { regionSchema } from '../domain/region.js';
import { rendererNameSchema, rendererVersionSchema } from '../domain/renderers.js';
import { sceneInspectionSchema } from '../domain/scene-inspection.js';
import { packageManifestSchema } from '../domain/scene-package.js';
import { schedulingNameSchema } from '../domain/schedule.js';
import { FarmError } from '../errors.js';
import { LIMITS } from '../limits.js';

const frame = z.int();
const tile = z
  .int()
  .min(0)
  .max(LIMITS.tilesPerFrameMax - 1);
const attempt = z.int().min(1).max(LIMITS.attemptNumberMax);
const durationMs = z.number().min(0);

/** TILES: one attempt at one tile. De-duplication: one message per subject (job, frame, tile, attempt). */
export const tileMessageSchema = z.object({
  jobId: jobIdSchema,
  planId: planIdSchema,
  frame,
  tile,
  attempt,
  region: regionSchema,
  /** Nodes that should leave it to others: they failed it, or a second opinion is wanted. */
  avoid: z.array(nodeIdSchema).max(LIMITS.avoidedNodesMax).optional(),
  /** What a tile of the job takes on average, as far as known when this attempt was queued. */
  expectedMs: durationMs.optional(),
});
export type TileMessage = Readonly<z.infer<typeof tileMessageSchema>>;

/**
 * RESULTS: how an attempt ended. Header `Guian-Result` of every part; the body is a part of the encoded tile (empty for
 * a failure). De-duplication id: `<planId>.<jobId>.<frame>.<tile>.<attempt>.<nodeId>.<part>`.
 */
export const resultMetaSchema = z.object({
  jobId: jobIdSchema,
  planId: planIdSchema,
  frame,
  tile,
  attempt,
  nodeId: nodeIdSchema,
  /** e.g. `gltf 1.0.0+ts-bvh2`: nodes with equal text give equal pixels. */
  renderer: z.string().max(256),
  part: z.int().min(0),
  partCount: z.int().min(1).max(1024),
  renderMs: durationMs,
  /** CPU time that the attempt used. */
  coreSeconds: z.number().min(0),
  peakMemoryBytes: z.int().min(0),
  outcome: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('rendered'),
      digest: digestSchema,
      sizeBytes: z.int().min(1).max(LIMITS.resultBytesMax),
    }),
    z.object({
      kind: z.literal('failed'),
      code: z.string().max(64),
      message: z.string().max(LIMITS.logTailCharsMax),
      logTail: z.string().max(LIMITS.logTailCharsMax),
      /** No node could ever render it (the scene is invalid): further attempts are pointless. */
      permanent: z.boolean(),
    }),
  ]),
});
export type ResultMeta = Readonly<z.infer<typeof resultMetaSchema>>;
export const RESULT_HEADER = 'Guian-Result';

/**
 * KV assignments, key = node id: the jobs that a node works for. `slots` of its slots each has at least, and may have
 * others that no job of the node has a tile for, up to `slotsMax` (absent: all; a licence or a limit binds the job
 * otherwise). Of a job in `finishing` the tiles that render are finished, buffered ones are handed back, and no more are
 * taken. A job in neither list is over: its tiles are aborted. A job with `yields` is not over, yet what it renders beyond
 * `slots` is aborted and handed back, once, when this write is read: another one takes those slots at once.
 */
export const assignmentSchema = z.object({
  jobs: z.array(
    z.object({
      jobId: jobIdSchema,
      planId: planIdSchema,
      slots: z.int().min(0),
      slotsMax: z.int().min(1).optional(),
      yields: z.literal(true).optional(),
    }),
  ),
  finishing: z.array(z.object({ jobId: jobIdSchema, planId: planIdSchema })).optional(),
  /**
   * For the coordinator's next start, agents ignore it: slots under a licence that the node may still use beyond the
   * above, since it has not confirmed that it no longer does (coordinator/scheduling/licence-gate.ts).
   */
  unconfirmed: z.array(z.object({ jobId: jobIdSchema, slots: z.int().min(1) })).optional(),
});
export type Assignment = Readonly<z.infer<typeof assignmentSchema>>;

/** An attempt in a node's hand: `[frame, tile, attempt, sequence of its message in TILES]`. */
export const heldAttemptSchema = z.tuple([frame, tile, attempt, z.int().min(0)]);
export type HeldAttempt = z.infer<typeof heldAttemptSchema>;
const hands = z
  .array(
    z.object({
      jobId: jobIdSchema,
      attempts: z.array(heldAttemptSchema).max(LIMITS.heartbeatAttemptsMax),
      /** In heartbeats: so many of them, the first ones, are in a slot's thread now. */
      rendering: z.int().min(0).optional(),
      /** In heartbeats: so many of them have been given to a slot, those that wait there for its thread included. */
      taken: z.int().min(0).optional(),
    }),
  )
  .max(LIMITS.jobsPerNodeMax);
/** What a node has in hand, or part of it, by job. */
export type Hands = Readonly<z.infer<typeof hands>>;

/** Core NATS, once a second: a node says that it is there, what it is, and what it has in hand. */
export const heartbeatSchema = z.object({
  nodeId: nodeIdSchema,
  /** New at every start of the agent: two processes with one node id are told apart. */
  instanceId: z.string().max(64),
  hostName: z.string().max(256),
  agentVersion: z.string().max(64),
  startedAtMs: z.number(),
  slots: z.int().min(0).max(LIMITS.slotsPerNodeMax),
  slotsBusy: z.int().min(0),
  cores: z.int().min(1),
  memoryBytes: z.int().min(0),
  memoryUsedBytes: z.int().min(0),
  renderers: z
    .array(z.object({ name: z.string().max(64), version: z.string().max(128) }))
    .max(LIMITS.renderersPerNodeMax),
  /** How scenes of others are kept in: `bubblewrap …`, or why they are not. */
  sandbox: z.string().max(256).optional(),
  /** As its configuration has them; the admin may have set others. */
  pools: z.array(schedulingNameSchema).max(LIMITS.poolsPerNodeMax).optional(),
  tags: z.array(schedulingNameSchema).max(LIMITS.tagsMax).optional(),
  gpus: z
    .array(z.object({ name: z.string().max(128), memoryBytes: z.int().min(0) }))
    .max(LIMITS.gpusPerNodeMax)
    .optional(),
  /** Revision of the assignment that it works by; 0: none yet. */
  assignmentRevision: z.int().min(0).optional(),
  jobIds: z.array(jobIdSchema).max(LIMITS.jobsPerNodeMax),
  tilesDone: z.int().min(0),
  /** Attempts that were delivered to it and are not acknowledged: buffered, rendering, or being published. */
  inHand: hands,
  /** How many more there are than the list may hold. */
  inHandLeftOut: z.int().min(0),
  /** It finishes what it has and takes nothing more. */
  draining: z.boolean().optional(),
  /** Why it cannot work now for all or one of its jobs, e.g. a full disk; empty when all is well. */
  troubles: z
    .array(
      z.object({ jobId: jobIdSchema.optional(), code: z.string().max(64), message: z.string().max(1_000) }),
    )
    .max(LIMITS.troublesPerNodeMax)
    .optional(),
  /** The last one: the node leaves on purpose. */
  leaving: z.boolean(),
});
export type Heartbeat = Readonly<z.infer<typeof heartbeatSchema>>;

/** The reply to a heartbeat, sent only when something in the node's hand is to be dropped. */
export const heartbeatAnswerSchema = z.object({
  /** Nobody needs their results any more: acknowledge them unfinished. */
  over: hands,
  /** They were given to another node while this one was lost: say nothing about them. */
  taken: hands,
});
export type HeartbeatAnswer = Readonly<z.infer<typeof heartbeatAnswerSchema>>;

/** Core NATS, to one node: read this scene. The blobs are in the coordinator's store. */
export const inspectRequestSchema = z.object({
  manifest: packageManifestSchema,
  renderer: rendererNameSchema,
  rendererVersion: rendererVersionSchema.optional(),
  allowScripts: z.boolean(),
  sourceRoot: z.string().max(LIMITS.packagePathCharsMax).optional(),
});
export type InspectRequest = Readonly<z.infer<typeof inspectRequestSchema>>;

export const inspectAnswerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inspected'), inspection: sceneInspectionSchema }),
  z.object({ kind: z.literal('failed'), code: z.string().max(64), message: z.string().max(4_096) }),
]);
export type InspectAnswer = Readonly<z.infer<typeof inspectAnswerSchema>>;

/** EVENTS: one state change of a job; the stream's sequence is what a watch resumes from. */
export const eventMessageSchema = z.object({
  atMs: z.number(),
  jobId: jobIdSchema,
  kind: z.enum([
    'submitted',
    'started',
    'frame_finished',
    'frame_failed',
    'attempt_failed',
    'tile_failed',
    'result_rejected',
    'node_lost',
    'node_blocked',
    'node_quarantined',
    'node_forgiven',
    'speculated',
    'planned',
    'repaired',
    'paused',
    'resumed',
    'retried',
    'finished',
    'cancelled',
    'warning',
  ]),
  state: z.string(),
  message: z.string(),
  frame: frame.optional(),
  tile: tile.optional(),
  attempt: attempt.optional(),
  nodeId: z.string().optional(),
  /** What results up to this sequence of RESULTS had to tell is told, here or earlier: a restart goes on behind it. */
  resultSequence: z.int().min(0).optional(),
});
export type EventMessage = Readonly<z.infer<typeof eventMessageSchema>>;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function encodeMessage(message: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/** @throws MESSAGE_INVALID naming the field, the value and what is allowed. */
export function decodeMessage<T>(schema: z.ZodType<T>, data: Uint8Array | string, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(typeof data === 'string' ? data : decoder.decode(data));
  } catch (cause) {
    throw new FarmError('MESSAGE_INVALID', `${what} is not JSON`, {}, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new FarmError('MESSAGE_INVALID', `${what}: ${issue.path.join('.') || 'message'}: ${issue.message}`);
}
