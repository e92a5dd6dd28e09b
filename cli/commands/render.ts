/** `guian render`: a scene in, frames out; on a farm of its own unless a coordinator is named. */
import { dirname, extname, join, relative } from 'node:path';
import { Command } from 'commander';
import { slug } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS } from '#shared/limits.js';
import { type CoordinatorClient, call, connectCoordinator } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { Farm } from '../farm/embedded-farm.js';
import { counted, humanDuration, perSecond } from '../output/human.js';
import { printJson } from '../output/table.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { addFarmFlags, givenCoordinator } from '../process/farm-flags.js';
import { type Interrupt, interruptible } from '../process/interrupt.js';
import { parseSlots } from '../process/slots-flag.js';
import { jobRequest } from '../render/job-request.js';
import { outputFolder } from '../render/output-folder.js';
import { createProgress, type Progress } from '../render/progress.js';
import { addRenderFlags, parseRenderFlags, type RenderFlags } from '../render/render-flags.js';
import { cancelJob, collectJob, type JobOutcome, submitJob } from '../render/run-job.js';
import { type ScenePackage, scenePackage } from '../render/scene-package.js';
import { assertNoFarmFlags } from '../render/schedule-flags.js';
import { startNotes } from '../render/start-notes.js';

type Options = Readonly<Record<string, unknown>>;

const HELP_AFTER = `
Without --coordinator (or GUIAN_COORDINATOR) a farm is started on this machine for the one job: a nats-server, a
coordinator and an agent. It is gone when the job has ended, or at Ctrl-C. Pictures of other frames in the output
folder are left alone; the same frame is replaced. Scenes of Blender and POV-Ray need these programs on this machine, or a
farm that has them. Flags about sharing a farm (--priority, --pool, --tag, --licence, --after, --needs-…) need one.
`;

/** Of the agent, by renderer. */
const PROGRAM_FLAGS: Readonly<Record<string, string>> = { blender: '--blender', povray: '--povray' };

export function renderCommand(): Command {
  const command = new Command('render')
    .description('Renders a scene (.gltf, .glb, .blend, .pov) into a folder of frames.')
    .argument('[scene]', 'the .gltf, .glb, .blend or .pov file');
  addRenderFlags(command)
    .option('--out <dir>', 'folder for the frames (default: renders/<scene name>)')
    .option('--slots <n>', 'tiles rendered at the same time on this machine (default: number of cores)')
    .option('--nats <url>', 'use this nats-server instead of starting one');
  return addFarmFlags(command, 'none, a farm of its own')
    .addHelpText('after', HELP_AFTER)
    .action(async (scene: string | undefined, options: Options) => {
      process.exitCode = await render(scene, options);
    });
}

async function render(sceneFile: string | undefined, options: Options): Promise<number> {
  const startedAtMs = Date.now();
  const flags = parseRenderFlags(options);
  const slots = parseSlots(options['slots']);
  const coordinator = givenCoordinator(options);
  if (coordinator === undefined) assertNoFarmFlags(flags);
  using interrupt = interruptible('stopping (Ctrl-C again: at once) …');
  const scene = await scenePackage(sceneFile, flags, { coordinator, interrupt });
  const out = await outputFolder(String(options['out'] ?? join('renders', slug(flags.name ?? scene.name))));
  const progress = createProgress({ json: options['json'] === true });
  let farm: Farm | undefined;
  try {
    interrupt.signal.throwIfAborted();
    if (coordinator === undefined)
      farm = await startOwnFarm(options, flags, scene.renderer, slots, progress, interrupt);
    const address = coordinator ?? farm!.coordinatorAddress;
    const signal = farm ? AbortSignal.any([interrupt.signal, failureSignal(farm)]) : interrupt.signal;
    const json = options['json'] === true;
    const outcome = await runOn(address, scene, flags, out.path, { progress, json }, signal);
    progress.end();
    return report(outcome, Date.now() - startedAtMs, json);
  } finally {
    progress.end();
    await farm?.stop();
    await out.removeIfEmpty();
  }
}

async function startOwnFarm(
  options: Options,
  flags: RenderFlags,
  renderer: string,
  slots: number | undefined,
  progress: Progress,
  interrupt: Interrupt,
): Promise<Farm> {
  const [{ startFarm }, { ensureNatsServer }] = await Promise.all([
    import('../farm/embedded-farm.js'),
    import('../farm/ensure-nats-server.js'),
  ]);
  const natsUrl = options['nats'];
  if (natsUrl === undefined) await ensureNatsServer();
  interrupt.signal.throwIfAborted();
  const farm = await startFarm({
    waitForAgents: false,
    // Its agent is there for one scene, and asking programs what they are takes seconds.
    agentFlags: Object.entries(PROGRAM_FLAGS).flatMap(([program, flag]) =>
      program === renderer ? [] : [flag, 'none'],
    ),
    onNotice: progress.notice,
    onStarted: (kill) => interrupt.onSecond(kill),
    ...(slots !== undefined && { slots }),
    // The user's own machine: there is nobody else to ask.
    ...(flags.allowScripts && { scriptStudio: flags.studio || DEFAULTS.studio }),
    ...(typeof natsUrl === 'string' && { natsUrl }),
  });
  return farm;
}

/** The job on one coordinator; a job that is left behind by an error or by Ctrl-C is cancelled. */
async function runOn(
  address: string,
  scene: ScenePackage,
  flags: RenderFlags,
  folder: string,
  { progress, json }: { progress: Progress; json: boolean },
  signal: AbortSignal,
): Promise<JobOutcome> {
  await using farm = connectCoordinator(address);
  signal.throwIfAborted();
  const job = await submitJob(farm, scene, jobRequest(flags, scene), signal);
  for (const warning of job.warnings) progress.notice(`warning: ${warning}`);
  // At once, where a bar would keep its notes for the end: somebody has to know what it waits for.
  for (const note of startNotes(job)) process.stderr.write(`guian: job ${job.jobId}: ${oneLine(note)}\n`);
  const previewJobId = job.spec?.schedule?.previewJobId ?? '';
  try {
    if (previewJobId !== '') await collectPreview(farm, previewJobId, folder, json, signal);
    return await collectJob(farm, job, folder, progress, signal);
  } catch (error) {
    // The job itself first: it would begin once its preview has ended.
    for (const jobId of [job.jobId, ...(previewJobId === '' ? [] : [previewJobId])])
      await cancelJob(farm, jobId).catch((reason: unknown) => {
        // It may just have ended, and a farm of our own ends with us anyway; the error that led here is the one to tell.
        if (!(reason instanceof FarmError)) throw reason;
      });
    throw error;
  }
}

/** Its pictures stand beside the others, as `NAME-preview.0000.png`, long before these. That it fails stops nothing. */
async function collectPreview(
  farm: CoordinatorClient,
  jobId: string,
  folder: string,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  // One of its own: a bar counts the tiles of one job.
  const progress = createProgress({ json });
  const preview = await call<Job__Output>(farm, (grpc, done) => farm.jobs.get({ jobId }, grpc, done));
  try {
    const { job, files } = await collectJob(farm, preview, folder, progress, signal);
    progress.notice(
      job.state === 'finished'
        ? `preview: ${counted(files.size, 'frame')}, in ${relative('.', folder) || '.'}`
        : `preview: job ${jobId} ended as "${job.state.replaceAll('_', ' ')}"; the frames are rendered all the same`,
    );
  } finally {
    progress.end();
  }
}

/** Aborts with the reason when a part of the farm cannot be kept running. */
function failureSignal(farm: Farm): AbortSignal {
  const abort = new AbortController();
  farm.failed.catch((error: unknown) => abort.abort(error));
  return abort.signal;
}

/** What the user came for: where the pictures are. @returns the exit code. */
function report({ job, files }: JobOutcome, elapsedMs: number, json: boolean): number {
  const progress = job.progress;
  const paths = [...files].sort(([a], [b]) => a - b).flatMap(([, list]) => list);
  const first = paths.find((path) => extname(path) === '.png') ?? paths[0];
  const failed = job.state !== 'finished';
  if (json) {
    printJson({
      kind: 'summary',
      jobId: job.jobId,
      state: job.state,
      elapsedMs,
      firstPicture: first ?? null,
      progress,
    });
    return failed ? EXIT.renderFailed : EXIT.done;
  }
  const tiles = progress?.tilesDone ?? 0;
  if (first !== undefined) {
    const folder = relative('.', dirname(first)) || '.';
    const count = `${files.size} ${files.size === 1 ? 'frame' : 'frames'}`;
    process.stderr.write(
      `${count} in ${humanDuration(elapsedMs)} (${tiles} tiles, ${perSecond(tiles, elapsedMs, 'tiles')}), in ${folder}\n`,
    );
    process.stdout.write(`${first}\n`);
  }
  if (failed) {
    process.stderr.write(
      `guian: job ${job.jobId} ended as "${job.state.replaceAll('_', ' ')}": ${progress?.framesFailed ?? 0} of ${progress?.framesTotal ?? 0} frames and ${progress?.tilesFailed ?? 0} tiles failed; the reasons are above\n`,
    );
  }
  return failed ? EXIT.renderFailed : EXIT.done;
}
