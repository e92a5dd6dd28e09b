/** `guian job priority|pause|resume|move|limit`: what a job gets of the farm, changed while it waits or runs. */
import type { Command } from 'commander';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { ControlJobRequest } from '#shared/wire/generated/guian/v1/ControlJobRequest.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { WhyJobResponse__Output } from '#shared/wire/generated/guian/v1/WhyJobResponse.js';
import { counted } from '../output/human.js';
import { printJson } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { farmCommand, type Options, withEach } from '../process/farm-command.js';
import { parseSchedulingName, parseWhole } from '../process/flag-values.js';

const ID = ['<id>', 'job id, as "guian jobs" shows it'] as const;
/** Kinds of waits that are not for nodes or slots. */
const GATES: ReadonlySet<string> = new Set(['start_time', 'dependency', 'paused']);
const IDS = ['<id...>', 'job ids, as "guian jobs" shows them'] as const;

export function priorityCommand(): Command {
  return farmCommand<[string, string]>(
    'priority',
    "Sets a job's priority within its studio: higher ones get their slots first, equal ones share.",
    {
      args: [ID, ['<priority>', '0 to 100; jobs have 50 unless they say otherwise']],
      examples: [['job priority shot-12-k3f9 80', 'ahead of the other jobs of its studio']],
      notes:
        'It says nothing between studios: they share by "guian studio set NAME --share". A waiting job gains 1 a minute.',
      run: (farm, options, jobId, text) => {
        const priority = parseWhole(text, 'priority', 0, 100)!;
        return change(farm, options, { jobId, priority }, (job) => `has priority ${job.priority}`);
      },
    },
  );
}

export function pauseCommand(): Command {
  return farmCommand<[string[]]>(
    'pause',
    'Pauses jobs: tiles that render are finished, no others begin, until "guian job resume".',
    {
      args: [IDS],
      examples: [['job pause shot-12-k3f9 shot-13-m2ab', 'both give up their slots, tile by tile']],
      run: (farm, options, jobIds) =>
        withEach(jobIds, async (jobId) => {
          await change(farm, options, { jobId, paused: true }, () => 'is paused');
        }),
    },
  );
}

export function resumeCommand(): Command {
  return farmCommand<[string[]]>(
    'resume',
    'Lets paused jobs go on; with --ignore-after also one that waits for a job which will never finish.',
    {
      args: [IDS],
      flags: (command) =>
        command.option(
          '--ignore-after',
          'no longer wait for the jobs that --after named when it was submitted',
        ),
      examples: [
        ['job resume shot-12-k3f9', ''],
        ['job resume comp-12-a7qd --ignore-after', 'run, although the job before it has failed'],
      ],
      run: (farm, options, jobIds) =>
        withEach(jobIds, async (jobId) => {
          const ignores = options['ignoreAfter'] === true && { ignoreAfter: true };
          await change(farm, options, { jobId, paused: false, ...ignores }, async () => {
            const held = await gateOf(farm, jobId);
            return held === undefined ? 'goes on' : `is no longer paused, but ${held}`;
          });
        }),
    },
  );
}

export function moveCommand(): Command {
  return farmCommand<[string]>('move', 'Moves a job to the nodes of another pool, or lets it run on any.', {
    args: [ID],
    flags: (command) =>
      command.option('--pool <name>', 'only nodes of this pool').option('--any-pool', 'any node'),
    examples: [
      ['job move shot-12-k3f9 --pool night', ''],
      ['job move shot-12-k3f9 --any-pool', ''],
    ],
    run: (farm, options, jobId) => {
      const pool = targetPool(options);
      return change(farm, options, { jobId, pool }, (job) =>
        job.pool === '' ? 'may run on any node' : `runs on nodes of pool ${job.pool}`,
      );
    },
  });
}

export function limitCommand(): Command {
  return farmCommand<[string]>('limit', 'Limits how many slots a job has at most.', {
    args: [ID],
    flags: (command) => command.requiredOption('--max-slots <n>', 'at most this many; 0: no limit'),
    examples: [
      ['job limit shot-12-k3f9 --max-slots 16', ''],
      ['job limit shot-12-k3f9 --max-slots 0', 'no limit any more'],
    ],
    run: (farm, options, jobId) => {
      const maxSlots = parseWhole(options['maxSlots'], '--max-slots', 0, LIMITS.farmSlotsMax)!;
      return change(farm, options, { jobId, maxSlots }, () =>
        maxSlots === 0 ? 'has no limit of its own' : `gets at most ${counted(maxSlots, 'slot')}`,
      );
    },
  });
}

/** What holds it back whatever the farm has free; slots that it does not have yet come by themselves. */
async function gateOf(farm: CoordinatorClient, jobId: string): Promise<string | undefined> {
  const { waits } = await call<WhyJobResponse__Output>(farm, (grpc, done) =>
    farm.jobs.why({ jobId }, grpc, done),
  );
  return waits.find(({ kind }) => GATES.has(kind))?.message;
}

/** @returns empty: any. @throws USAGE_INVALID */
export function targetPool({ pool, anyPool }: Options): string {
  if ((pool === undefined) === (anyPool !== true))
    throw new FarmError('USAGE_INVALID', 'say where to: either --pool NAME or --any-pool');
  return pool === undefined ? '' : parseSchedulingName(String(pool), '--pool');
}

async function change(
  farm: CoordinatorClient,
  options: Options,
  request: ControlJobRequest,
  effect: (job: Job__Output) => string | Promise<string>,
): Promise<number> {
  const job = await call<Job__Output>(farm, (grpc, done) =>
    farm.jobs.control({ ...request, actor: actor() }, grpc, done),
  );
  if (options['json'] === true) printJson(job);
  else process.stdout.write(`${oneLine(`job ${job.jobId} ${await effect(job)}`)}\n`);
  return EXIT.done;
}
