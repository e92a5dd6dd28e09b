/** What `--wait` and `guian job watch` do: stay with a job until it has ended, and leave with its exit code. */
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import { printJson } from '../output/table.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { createProgress, eventText } from '../render/progress.js';
import { watchJob } from '../render/watch-job.js';

/**
 * Shows events until the job ends.
 * @param afterSequence  events up to this one are not shown.
 * @returns the exit code: 1 when not every frame was rendered.
 */
export async function followJob(
  farm: CoordinatorClient,
  jobId: string,
  json: boolean,
  signal: AbortSignal,
  afterSequence = 0,
): Promise<number> {
  const progress = createProgress({ json });
  try {
    for await (const event of watchJob(farm, jobId, signal, { afterSequence })) {
      progress.event(event);
      if (!json && event.sequence > 0 && !process.stderr.isTTY)
        process.stdout.write(`${oneLine(eventText(event))}\n`);
    }
  } finally {
    progress.end();
  }
  const job = await call<Job__Output>(farm, (grpc, done) => farm.jobs.get({ jobId }, grpc, done));
  if (json) printJson({ kind: 'summary', jobId, state: job.state, progress: job.progress });
  else process.stdout.write(`job ${jobId} ended as ${job.state}\n`);
  return job.state === 'finished' ? EXIT.done : EXIT.renderFailed;
}
