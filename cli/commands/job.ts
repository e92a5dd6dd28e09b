/** `guian job …`: one job. What changes its place on the farm is in job-control.ts. */
import { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import { counted, humanBytes, humanDuration } from '../output/human.js';
import { printJson } from '../output/table.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { listFrames } from '../render/list-frames.js';
import { cancelJob } from '../render/run-job.js';
import { failedFramesText } from './failed-frames.js';
import { followJob } from './follow-job.js';
import { limitCommand, moveCommand, pauseCommand, priorityCommand, resumeCommand } from './job-control.js';
import { eventsCommand } from './job-events.js';
import { retryCommand } from './job-retry.js';
import { scheduleRows } from './job-schedule-rows.js';
import { whyJobCommand } from './job-why.js';

type Options = Readonly<Record<string, unknown>>;

export function jobCommand(): Command {
  const sub = (name: string, description: string, run: (id: string, options: Options) => Promise<number>) =>
    addFarmFlags(
      new Command(name).description(description).argument('<id>', 'job id, as "guian jobs" shows it'),
    ).action(async (id: string, options: Options) => {
      process.exitCode = await run(id, options);
    });
  return new Command('job')
    .description('Shows, watches or changes one job.')
    .addCommand(sub('show', 'Shows one job: settings, state, progress, failed frames and why.', show))
    .addCommand(whyJobCommand())
    .addCommand(eventsCommand())
    .addCommand(
      sub('watch', 'Prints what happens to a job until it has ended; Ctrl-C leaves it running.', watch),
    )
    .addCommand(sub('cancel', 'Cancels a job: nothing more of it is rendered; finished frames stay.', cancel))
    .addCommand(retryCommand())
    .addCommand(priorityCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(moveCommand())
    .addCommand(limitCommand());
}

async function show(jobId: string, options: Options): Promise<number> {
  await using farm = connectFarm(options);
  const job = await call<Job__Output>(farm, (grpc, done) => farm.jobs.get({ jobId }, grpc, done));
  const failed = job.progress?.framesFailed ? await listFrames(farm, jobId, 'failed') : [];
  if (options['json'] === true) printJson({ ...job, failedFrames: failed });
  else process.stdout.write(`${jobText(job)}${failedFramesText(jobId, failed)}`);
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

/** What went other than planned, and what was rendered twice on purpose. */
function attemptsText({ spec, progress }: Job__Output): string {
  const verify = spec?.verify ?? 0;
  const speculated = progress?.tilesSpeculated ?? 0;
  const parts = [
    `${progress?.attemptsFailed} failed`,
    ...(speculated > 0 ? [`${counted(speculated, 'tile')} queued a second time since it took too long`] : []),
    ...(verify > 0
      ? [`${progress?.tilesVerified} tiles verified by a second node (${+(verify * 100).toFixed(4)}% wanted)`]
      : []),
  ];
  return parts.join(', ');
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
    ['State', job.paused ? `${job.state}, paused` : job.state],
    ...scheduleRows(job),
    ['Submitted', new Date(job.createdAtMs).toISOString()],
    ['Took', `${humanDuration(endMs - job.createdAtMs)}${job.finishedAtMs > 0 ? '' : ' so far'}`],
    [
      'Scene',
      `${spec?.manifest?.entry} (${counted(spec?.manifest?.files.length ?? 0, 'file')}, ${humanBytes(bytes)})`,
    ],
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
    ['Renderer', `${settings?.renderer ?? ''} ${spec?.rendererVersion ?? ''}`.trimEnd()],
    ['Attempts', attemptsText(job)],
    ['Core time', humanDuration((progress?.coreSeconds ?? 0) * 1000)],
    ...job.warnings.map((warning): [string, string] => ['Warning', warning]),
  ];
  return rows.map(([label, value]) => `${`${label}:`.padEnd(12)} ${oneLine(value)}\n`).join('');
}
