/** What a job asks of the scheduler: when it may run, on which nodes, in which order, and at most how much of the farm. */
import { z } from 'zod';
import { LIMITS } from '../limits.js';
import { jobIdSchema } from './ids.js';

/** Names of pools, tags and licences: as ids, and dots for host-like tags. */
export const schedulingNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'a name is 1 to 128 characters of A-Z a-z 0-9 _ . -');

/** The end of the year 9999: what is later is no time that can be written down. */
const START_AT_MS_MAX = 253_402_300_799_000;

export const PRIORITY_DEFAULT = 50;
export const prioritySchema = z.int().min(0).max(100);

/** `every-10`: each tenth frame first, then those between, coarse to fine. */
export const frameOrderSchema = z
  .string()
  .regex(
    /^(sequential|reverse|first-middle-last|every-[1-9][0-9]{0,5})$/,
    'it is sequential, reverse, first-middle-last, or every-N',
  );
export const TILE_ORDERS = ['rows', 'spiral'] as const;
export type TileOrderName = (typeof TILE_ORDERS)[number];
/** `tile`: slots are taken over when their tile is done. `hard`: tiles of lower priority are aborted. */
export const PREEMPTIONS = ['tile', 'hard'] as const;

/** What a node must have; 0 or absent: no matter. */
export const jobNeedsSchema = z.strictObject({
  pool: schedulingNameSchema.optional(),
  /** All of them. */
  tags: z.array(schedulingNameSchema).max(LIMITS.tagsMax).default([]),
  cores: z.int().min(0).max(65_536).default(0),
  /** Of one slot, at least; what tiles are found to use counts where it is more. */
  memoryBytes: z.int().min(0).default(0),
  gpus: z.int().min(0).max(64).default(0),
  /** Of each of those. */
  gpuMemoryBytes: z.int().min(0).default(0),
});
export type JobNeeds = Readonly<z.infer<typeof jobNeedsSchema>>;

export const jobScheduleSchema = z.strictObject({
  /** Within its studio; higher first. An admin may have changed it since (coordinator/admin). */
  priority: prioritySchema.default(PRIORITY_DEFAULT),
  /** 0: no limit. */
  maxSlots: z.int().min(0).max(LIMITS.farmSlotsMax).default(0),
  licences: z.array(schedulingNameSchema).max(LIMITS.licencesPerJobMax).default([]),
  /** Jobs that must have finished first. */
  after: z.array(jobIdSchema).max(LIMITS.dependenciesMax).default([]),
  /** A frame waits only for the frame of the same number in each of those. */
  afterFrames: z.boolean().default(false),
  /** 0: at once. */
  startAtMs: z
    .number()
    .min(0)
    .max(START_AT_MS_MAX, 'it is in ms since 1970, and at most the end of the year 9999')
    .default(0),
  isPaused: z.boolean().default(false),
  preempt: z.enum(PREEMPTIONS).default('tile'),
  frameOrder: frameOrderSchema.default('sequential'),
  tileOrder: z.enum(TILE_ORDERS).default('rows'),
  /** The job that renders the same frames with few samples, before this one: what its tiles cost is known from it. */
  previewJobId: jobIdSchema.optional(),
  needs: jobNeedsSchema.prefault({}),
});
export type JobSchedule = Readonly<z.infer<typeof jobScheduleSchema>>;
