/**
 * Everything that an admin can change, one schema per action, as it stands in the journal. Fields that are left out stay
 * as they were. A journal is read for as long as its store lives: fields may be added, none may change its meaning.
 */
import { z } from 'zod';
import { jobIdSchema, nodeIdSchema, studioSchema } from '#shared/domain/ids.js';
import { prioritySchema, schedulingNameSchema } from '#shared/domain/schedule.js';
import { LIMITS } from '#shared/limits.js';

const slots = z.int().min(0).max(LIMITS.farmSlotsMax);
/** A year: whoever waits longer sets no target. */
const LONGEST_MS = 366 * 24 * 3_600_000;
const duration = z.int().min(0).max(LONGEST_MS);
const share = z.number().min(0.001).max(1_000_000);
export const LICENCE_COUNTS = ['slot', 'node'] as const;
/** A report that nobody renews is out of force after a day at the latest. */
export const reportExpirySchema = z.int().min(1_000).max(86_400_000);

/** Who asks, as the journal names them: in a terminal it is one line, and reads as it is written. */
export const actorSchema = z
  .string()
  .regex(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
    /^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]{1,256}$/,
    'it names who asks, e.g. ana@ws12, in 1 to 256 characters that can be printed',
  )
  .regex(/\S/, 'it names who asks, e.g. ana@ws12');

export const adminActionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('studio_set'),
    studio: studioSchema,
    share: share.optional(),
    maxSlots: slots.optional(),
  }),
  z.strictObject({ kind: z.literal('studio_removed'), studio: studioSchema }),
  z.strictObject({
    kind: z.literal('pool_set'),
    pool: schedulingNameSchema,
    targetWaitMs: duration.min(1_000).optional(),
    minSlots: slots.optional(),
    maxSlots: slots.optional(),
    idleMs: duration.optional(),
  }),
  z.strictObject({ kind: z.literal('pool_removed'), pool: schedulingNameSchema }),
  z.strictObject({
    kind: z.literal('licence_set'),
    licence: schedulingNameSchema,
    total: slots.optional(),
    per: z.enum(LICENCE_COUNTS).optional(),
  }),
  z.strictObject({ kind: z.literal('licence_removed'), licence: schedulingNameSchema }),
  /** Tells what a licence server had for the farm; sets nothing, since by the next start it is no longer true. */
  z.strictObject({ kind: z.literal('licence_reported'), licence: schedulingNameSchema, total: slots }),
  z.strictObject({
    kind: z.literal('node_set'),
    nodeId: nodeIdSchema,
    drain: z.boolean().optional(),
    /** null: its own again. */
    tags: z.array(schedulingNameSchema).max(LIMITS.tagsMax).nullable().optional(),
    pools: z.array(schedulingNameSchema).max(LIMITS.poolsPerNodeMax).nullable().optional(),
  }),
  z.strictObject({ kind: z.literal('node_removed'), nodeId: nodeIdSchema }),
  z.strictObject({
    kind: z.literal('job_set'),
    jobId: jobIdSchema,
    priority: prioritySchema.optional(),
    paused: z.boolean().optional(),
    /** Empty: any. */
    pool: z
      .string()
      .regex(
        /^[A-Za-z0-9_.-]{0,128}$/,
        'a pool is 1 to 128 characters of A-Z a-z 0-9 _ . -, or empty for any',
      )
      .optional(),
    ignoreAfter: z.boolean().optional(),
    maxSlots: slots.optional(),
  }),
]);
export type AdminAction = Readonly<z.infer<typeof adminActionSchema>>;

/** One line of the journal. */
export const journalEntrySchema = z.strictObject({
  /** From 1 on, each one more than the last. */
  sequence: z.int().min(1),
  atMs: z.number(),
  actor: actorSchema,
  action: adminActionSchema,
});
export type JournalEntry = Readonly<z.infer<typeof journalEntrySchema>>;
