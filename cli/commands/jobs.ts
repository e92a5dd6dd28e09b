/** `guian jobs`: every job, newest first. */
import { Command, Option } from 'commander';
import { JOB_STATES } from '#shared/domain/job.js';
import { call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { ListJobsResponse__Output } from '#shared/wire/generated/guian/v1/ListJobsResponse.js';
import { humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { parseSlots } from '../process/slots-flag.js';

const COUNT_DEFAULT = 50;

export function jobsCommand(): Command {
  const command = new Command('jobs')
    .description('Lists jobs, newest first.')
    .addOption(new Option('--state <state>', 'only jobs in this state').choices(JOB_STATES))
    .option('--limit <n>', `at most this many (default: ${COUNT_DEFAULT})`);
  return addFarmFlags(command).action(async (options: Readonly<Record<string, unknown>>) => {
    const pageSize = parseSlots(options['limit'], '--limit') ?? COUNT_DEFAULT;
    await using farm = connectFarm(options);
    const state = String(options['state'] ?? '');
    const { jobs } = await call<ListJobsResponse__Output>(farm, (grpc, done) =>
      farm.jobs.list({ pageSize, pageToken: '', state }, grpc, done),
    );
    if (options['json'] === true) printJson(jobs);
    else
      process.stdout.write(
        table(['JOB', 'STATE', 'FRAMES', 'TILES', 'FAILED', 'SIZE', 'AGE', 'TOOK'], jobs.map(row)),
      );
  });
}

function row(job: Job__Output): string[] {
  const { progress } = job;
  const settings = job.spec?.settings;
  const endMs = job.finishedAtMs > 0 ? job.finishedAtMs : Date.now();
  return [
    job.jobId,
    job.state,
    `${progress?.framesFinished}/${progress?.framesTotal}`,
    `${progress?.tilesDone}/${progress?.tilesTotal}`,
    String(progress?.tilesFailed ?? 0),
    `${settings?.widthPx}x${settings?.heightPx}`,
    humanDuration(Date.now() - job.createdAtMs),
    humanDuration(endMs - job.createdAtMs),
  ];
}
