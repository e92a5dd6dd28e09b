/** `guian job retry ID`: renders the failed frames of a job again. */
import { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { RetryJobResponse__Output } from '#shared/wire/generated/guian/v1/RetryJobResponse.js';
import { printJson } from '../output/table.js';
import { EXIT } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { followJob } from './follow-job.js';

type Options = Readonly<Record<string, unknown>>;

/** The records of a long job's frames are read for it. */
const RETRY_DEADLINE_MS = 60_000;

export function retryCommand(): Command {
  const command = new Command('retry')
    .description('Renders the failed frames of a job again; finished frames stay as they are.')
    .argument('<id>', 'job id, as "guian jobs" shows it')
    .option('--frames <range>', 'only the failed ones of these, e.g. 0-47x2,60 (default: every failed frame)')
    .option('--wait', 'stay until the job has ended; Ctrl-C leaves it running');
  return addFarmFlags(command).action(async (id: string, options: Options) => {
    process.exitCode = await retry(id, options);
  });
}

async function retry(jobId: string, options: Options): Promise<number> {
  const json = options['json'] === true;
  await using farm = connectFarm(options);
  using interrupt = interruptible('leaving; the job goes on');
  const frames = String(options['frames'] ?? '');
  const answer = await call<RetryJobResponse__Output>(
    farm,
    (grpc, done) => farm.jobs.retry({ jobId, frames }, grpc, done),
    RETRY_DEADLINE_MS,
  );
  if (json) printJson(answer);
  else process.stdout.write(`job ${jobId} renders frames ${answer.frames} again\n`);
  if (options['wait'] !== true) return EXIT.done;
  return await followJob(farm, jobId, json, interrupt.signal, answer.afterSequence);
}
