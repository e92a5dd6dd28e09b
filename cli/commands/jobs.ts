/** `guian jobs`: every job, newest first. */
import { type Command, Option } from 'commander';
import { JOB_STATES } from '#shared/domain/job.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { ListJobsResponse__Output } from '#shared/wire/generated/guian/v1/ListJobsResponse.js';
import { humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { EXIT } from '../process/exit-code.js';
import { farmCommand } from '../process/farm-command.js';
import { parseSlots } from '../process/slots-flag.js';

const COUNT_DEFAULT = 50;
/** What the coordinator gives at once. */
const PAGE_MAX = 1_000;
/** Of a job that has not ended, but has nothing to render with: told instead of its state. */
const STANDSTILLS = ['paused', 'waiting'] as const;
const HEADER = ['JOB', 'STATE', 'PRIORITY', 'SLOTS', 'FRAMES', 'TILES', 'FAILED', 'SIZE', 'AGE', 'TOOK'];

export function jobsCommand(): Command {
  return farmCommand<[]>('jobs', 'Lists jobs, newest first.', {
    flags: (command) =>
      command
        .addOption(
          new Option('--state <state>', 'only jobs in this state').choices([...JOB_STATES, ...STANDSTILLS]),
        )
        .option('--limit <n>', `at most this many (default: ${COUNT_DEFAULT})`),
    examples: [
      ['jobs', ''],
      ['jobs --state waiting', 'those that could render and get no slot; "guian job why ID" tells more'],
    ],
    run: async (farm, options) => {
      const limit = parseSlots(options['limit'], '--limit') ?? COUNT_DEFAULT;
      const jobs = await listJobs(farm, String(options['state'] ?? ''), limit);
      if (options['json'] === true) printJson(jobs);
      else process.stdout.write(jobsText(jobs, Date.now()));
      return EXIT.done;
    },
  });
}

/** @param state  of the job, `paused`, `waiting`, or empty: all. */
async function listJobs(
  farm: CoordinatorClient,
  state: string,
  limit: number,
): Promise<readonly Job__Output[]> {
  const isStandstill = (STANDSTILLS as readonly string[]).includes(state);
  const jobs: Job__Output[] = [];
  let pageToken = '';
  do {
    const pageSize = isStandstill ? PAGE_MAX : Math.min(PAGE_MAX, limit - jobs.length);
    const request = { pageSize, pageToken, state: isStandstill ? '' : state };
    const page = await call<ListJobsResponse__Output>(farm, (grpc, done) =>
      farm.jobs.list(request, grpc, done),
    );
    jobs.push(...page.jobs.filter((job) => !isStandstill || shownState(job) === state));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && jobs.length < limit);
  return jobs.slice(0, limit);
}

/** The job's state; of one that stands still, how. */
export function shownState({ state, paused, waitsFor, slots }: Job__Output): string {
  if (state !== 'queued' && state !== 'running') return state;
  if (paused) return 'paused';
  return waitsFor !== '' && slots === 0 ? 'waiting' : state;
}

/** What jobs wait for is a column of its own, as long as one of them does. */
export function jobsText(jobs: readonly Job__Output[], nowMs: number): string {
  const isAnyWaiting = jobs.some(({ waitsFor }) => waitsFor !== '');
  const rows = jobs.map((job) => [...row(job, nowMs), ...(isAnyWaiting ? [job.waitsFor] : [])]);
  return table(isAnyWaiting ? [...HEADER, 'WAITS FOR'] : HEADER, rows);
}

function row(job: Job__Output, nowMs: number): string[] {
  const { progress } = job;
  const settings = job.spec?.settings;
  const endMs = job.finishedAtMs > 0 ? job.finishedAtMs : nowMs;
  return [
    job.jobId,
    shownState(job),
    String(job.priority),
    String(job.slots),
    `${progress?.framesFinished}/${progress?.framesTotal}`,
    `${progress?.tilesDone}/${progress?.tilesTotal}`,
    String(progress?.tilesFailed ?? 0),
    `${settings?.widthPx}x${settings?.heightPx}`,
    humanDuration(nowMs - job.createdAtMs),
    humanDuration(endMs - job.createdAtMs),
  ];
}
