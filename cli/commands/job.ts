/** `guian job show|watch|cancel ID`: one job. */
import { Command } from 'commander';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import { humanBytes, humanDuration } from '../output/human.js';
import { printJson } from '../output/table.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { createProgress, eventText } from '../render/progress.js';
import { cancelJob } from '../render/run-job.js';
import { watchJob } from '../render/watch-job.js';

type Options = Readonly<Record<string, unknown>>;

export function jobCommand(): Command {
  const sub = (name: string, description: string, run: (id: string, options: Options) => Promise<number>) =>
    addFarmFlags(
      new Command(name).description(description).argument('<id>', 'job id, as "guian jobs" shows it'),
    ).action(async (id: string, options: Options) => {
      process.exitCode = await run(id, options);
    });
  return new Command('job')
    .description('Shows, watches or cancels one job.')
    .addCommand(sub('show', 'Shows one job: settings, state, progress.', show))
    .addCommand(
      sub('watch', 'Prints what happens to a job until it has ended; Ctrl-C leaves it running.', watch),
    )
    .addCommand(
      sub('cancel', 'Cancels a job: nothing more of it is rendered; finished frames stay.', cancel),
    );
}

async function show(jobId: string, options: Options): Promise<number> {
  await using farm = connectFarm(options);
  const job = await call<Job__Output>(farm, (grpc, done) => farm.jobs.get({ jobId }, grpc, done));
  if (options['json'] === true) printJson(job);
  else process.stdout.write(jobText(job));
  return EXIT.done;
}

async function watch(jobId: string, options: Options): Promise<number> {
  await using farm = connectFarm(options);
  using interrupt = interruptible('leaving; the job goes on');
  return await followJob(farm, jobId, options['json'] === true, interrupt.signal);
}

async function cancel(jobId: string, options: Options): Promise<number> {
  await using farm = connectFarm(options);
  const job = await cancelJob(farm, jobId);
  if (options['json'] === true) printJson(job);
  else process.stdout.write(`job ${job.jobId} is ${job.state}\n`);
  return EXIT.done;
}

/** Shows events until the job ends. @returns the exit code: 1 when not every frame was rendered. */
export async function followJob(
  farm: CoordinatorClient,
  jobId: string,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  const progress = createProgress({ json });
  try {
    for await (const event of watchJob(farm, jobId, signal)) {
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

function jobText(job: Job__Output): string {
  const { spec, progress } = job;
  const settings = spec?.settings;
  const endMs = job.finishedAtMs > 0 ? job.finishedAtMs : Date.now();
  const bytes = spec?.manifest?.files.reduce((sum, file) => sum + file.sizeBytes, 0) ?? 0;
  const rows: [string, string][] = [
    ['Job', job.jobId],
    ['Name', spec?.name ?? ''],
    ['Studio', spec?.studio ?? ''],
    ['State', job.state],
    ['Submitted', new Date(job.createdAtMs).toISOString()],
    ['Took', `${humanDuration(endMs - job.createdAtMs)}${job.finishedAtMs > 0 ? '' : ' so far'}`],
    ['Scene', `${spec?.manifest?.entry} (${spec?.manifest?.files.length} files, ${humanBytes(bytes)})`],
    [
      'Frames',
      `${spec?.frames} (${progress?.framesFinished} of ${progress?.framesTotal} finished, ${progress?.framesFailed} failed)`,
    ],
    [
      'Tiles',
      `${progress?.tilesDone} of ${progress?.tilesTotal} done, ${progress?.tilesFailed} failed, ${progress?.tilesQueued} queued; ${job.tilesPerFrame} per frame of ${job.tileWidthPx}x${job.tileHeightPx} px`,
    ],
    [
      'Picture',
      `${settings?.widthPx}x${settings?.heightPx} px, ${settings?.samples} samples, seed ${settings?.seed}, ${settings?.formats.join(', ')}`,
    ],
    ['Renderer', settings?.renderer ?? ''],
    ['Core time', humanDuration((progress?.coreSeconds ?? 0) * 1000)],
    ...job.warnings.map((warning): [string, string] => ['Warning', warning]),
  ];
  return rows.map(([label, value]) => `${`${label}:`.padEnd(12)} ${oneLine(value)}\n`).join('');
}
