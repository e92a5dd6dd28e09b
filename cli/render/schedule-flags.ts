/**
 * The flags that say when and where on a farm a job runs, and in which order: what becomes its `JobSchedule`. Part of the
 * render flags, in a file of their own since they are about the farm and not about the picture.
 */
import type { Command } from 'commander';
import { Option } from 'commander';
import { z } from 'zod';
import { DURATION_PATTERN, parseDurationMs } from '#shared/domain/duration.js';
import { ID_PATTERN } from '#shared/domain/ids.js';
import {
  frameOrderSchema,
  PREEMPTIONS,
  PRIORITY_DEFAULT,
  schedulingNameSchema,
  TILE_ORDERS,
} from '#shared/domain/schedule.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { JobSchedule } from '#shared/wire/generated/guian/v1/JobSchedule.js';
import { bytesSchema, collect } from '../process/flag-values.js';

const TIB = 1024 ** 4;

export function addScheduleFlags(command: Command): Command {
  return command
    .option('--priority <n>', `0 to 100, higher first within its studio (default: ${PRIORITY_DEFAULT})`)
    .option('--max-slots <n>', 'slots that it has at most (default: no limit)')
    .option('--licence <name>', 'a licence that each slot needs; may be given several times', collect)
    .addOption(new Option('--license <name>', 'another spelling of --licence').argParser(collect).hideHelp())
    .option('--after <job>', 'start when this job has finished; may be given several times', collect)
    .option('--after-frames', 'with --after: each frame starts when the same frame of those jobs is finished')
    .option('--start-at <time>', 'not before then: 2026-12-24T20:00, or +90m from now')
    .option('--paused', 'wait for "guian job resume"')
    .option(
      '--preempt <how>',
      'how it takes slots from jobs of lower priority: when their tiles are done (tile), or at once (hard) (default: tile)',
    )
    .option(
      '--frame-order <order>',
      'sequential, reverse, first-middle-last, or every-N: each Nth first, then those between (default: sequential)',
    )
    .option('--tile-order <order>', 'rows, or spiral: from the middle outwards (default: rows)')
    .option('--preview <samples>', 'first render all frames with so few samples, as a job of its own')
    .option('--pool <name>', 'only nodes of this pool (default: any)')
    .option('--tag <name>', 'only nodes with this tag; may be given several times: all of them', collect)
    .option('--needs-cores <n>', 'only nodes with so many cores')
    .option('--needs-memory <size>', 'memory that each slot needs at least, e.g. 8G')
    .option('--needs-gpus <n>', 'only nodes with so many GPUs')
    .option('--needs-gpu-memory <size>', 'memory of each of these GPUs, e.g. 24G');
}

function whole(min: number, max: number) {
  const error = `it must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .refine((value) => value >= min && value <= max, error);
}

function size(max: number) {
  const { schema, allowed } = bytesSchema(max);
  return z
    .unknown()
    .refine((value) => schema.safeParse(value).success, `it must be ${allowed}`)
    .transform((value) => schema.parse(value));
}

const jobIds = z
  .array(z.string().regex(ID_PATTERN, 'it must be a job id, as "guian jobs" shows it'))
  .max(LIMITS.dependenciesMax, `at most ${LIMITS.dependenciesMax} jobs`);
const names = (max: number) => z.array(schedulingNameSchema).max(max, `at most ${max} of them`);

const startAt = z
  .string()
  .refine(
    (text) => parseStartAt(text, 0) !== undefined,
    'it must be a time such as 2026-12-24T20:00 (local) or 2026-12-24T19:00Z, or one from now such as +90m',
  )
  // Not before the flags are read: +10m counts from now.
  .transform((text) => parseStartAt(text, Date.now())!);

/** As fields of the render flags' schema. */
export const scheduleFields = {
  priority: whole(0, 100).optional(),
  maxSlots: whole(0, LIMITS.farmSlotsMax).default(0),
  licence: names(LIMITS.licencesPerJobMax).default([]),
  license: names(LIMITS.licencesPerJobMax).default([]),
  after: jobIds.default([]),
  afterFrames: z.boolean().default(false),
  startAt: startAt.default(0),
  paused: z.boolean().default(false),
  preempt: z.enum(PREEMPTIONS, { error: `it must be ${PREEMPTIONS.join(' or ')}` }).optional(),
  frameOrder: frameOrderSchema.optional(),
  tileOrder: z.enum(TILE_ORDERS, { error: `it must be ${TILE_ORDERS.join(' or ')}` }).optional(),
  preview: whole(1, LIMITS.samplesMax).default(0),
  pool: schedulingNameSchema.optional(),
  tag: names(LIMITS.tagsMax).default([]),
  needsCores: whole(0, 65_536).default(0),
  needsMemory: size(1024 * TIB).default(0),
  needsGpus: whole(0, LIMITS.gpusPerNodeMax).default(0),
  needsGpuMemory: size(TIB).default(0),
};
export type ScheduleFlags = z.infer<z.ZodObject<typeof scheduleFields>>;

/** Unix ms; undefined when it is no time. A date without an hour is its midnight; without a zone it is local time. */
export function parseStartAt(text: string, nowMs: number): number | undefined {
  if (text.startsWith('+')) {
    const delay = text.slice(1).trim();
    return DURATION_PATTERN.test(delay) ? nowMs + parseDurationMs(delay) : undefined;
  }
  const parts =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  if (!parts) return undefined;
  const [, day, time = '00:00', zone = ''] = parts;
  const atMs = Date.parse(`${day}T${time}${zone}`);
  return Number.isFinite(atMs) ? atMs : undefined;
}

/** What no single flag can say. @throws USAGE_INVALID */
export function checkScheduleFlags(flags: ScheduleFlags & { readonly samples: number }): void {
  const refuse = (flag: string, value: unknown, why: string): never => {
    throw new FarmError('USAGE_INVALID', `${flag}${value === true ? '' : ` "${value}"`}: ${why}`, { flag });
  };
  if (flags.afterFrames && flags.after.length === 0)
    refuse('--after-frames', true, 'it says how --after waits; give --after JOB too');
  if (flags.needsGpuMemory > 0 && flags.needsGpus === 0)
    refuse(
      '--needs-gpu-memory',
      flags.needsGpuMemory,
      'it is the memory of each GPU of --needs-gpus; give both',
    );
  if (flags.preview > 0 && flags.samples > 0 && flags.preview >= flags.samples)
    refuse('--preview', flags.preview, `it must be fewer samples than the ${flags.samples} of --samples`);
}

/** Flags by which jobs of a farm share it. A machine that renders one job for itself has nobody to share with. */
const FOR_FARMS = [
  ['--priority', (flags) => flags.priority !== undefined],
  ['--licence', (flags) => flags.licence.length + flags.license.length > 0],
  ['--after', (flags) => flags.after.length > 0],
  ['--paused', (flags) => flags.paused],
  ['--preempt', (flags) => flags.preempt !== undefined],
  ['--pool', (flags) => flags.pool !== undefined],
  ['--tag', (flags) => flags.tag.length > 0],
  ['--needs-cores', (flags) => flags.needsCores > 0],
  ['--needs-memory', (flags) => flags.needsMemory > 0],
  ['--needs-gpus', (flags) => flags.needsGpus > 0],
] as const satisfies readonly (readonly [string, (flags: ScheduleFlags) => boolean])[];

/** For a render on a farm of its own. @throws USAGE_INVALID */
export function assertNoFarmFlags(flags: ScheduleFlags): void {
  const found = FOR_FARMS.find(([, isGiven]) => isGiven(flags));
  if (!found) return;
  throw new FarmError(
    'USAGE_INVALID',
    `${found[0]}: it is about sharing a farm, and this render has this machine for itself; leave it out, or name a farm with --coordinator`,
    { flag: found[0] },
  );
}

/** For the wire. */
export function jobSchedule(flags: ScheduleFlags): JobSchedule {
  return {
    ...(flags.priority !== undefined && { priority: flags.priority }),
    maxSlots: flags.maxSlots,
    licences: [...new Set([...flags.licence, ...flags.license])],
    after: [...new Set(flags.after)],
    afterFrames: flags.afterFrames,
    startAtMs: flags.startAt,
    paused: flags.paused,
    preempt: flags.preempt ?? '',
    frameOrder: flags.frameOrder ?? '',
    tileOrder: flags.tileOrder ?? '',
    previewSamples: flags.preview,
    needs: {
      pool: flags.pool ?? '',
      tags: [...new Set(flags.tag)],
      cores: flags.needsCores,
      memoryBytes: flags.needsMemory,
      gpus: flags.needsGpus,
      gpuMemoryBytes: flags.needsGpuMemory,
    },
  };
}
