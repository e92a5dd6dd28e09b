/** `guian submit`: hands a scene to a farm and prints the job id; with --wait, stays until it has ended. */
import { Command } from 'commander';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import { counted, humanBytes } from '../output/human.js';
import { printJson } from '../output/table.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { jobRequest } from '../render/job-request.js';
import { addRenderFlags, parseRenderFlags } from '../render/render-flags.js';
import { submitJob } from '../render/run-job.js';
import { scenePackage } from '../render/scene-package.js';
import { startNotes } from '../render/start-notes.js';
import { followJob } from './follow-job.js';

type Options = Readonly<Record<string, unknown>>;

export function submitCommand(): Command {
  const command = new Command('submit')
    .description('Uploads a scene to a farm, submits it as a job and prints the job id.')
    .argument('[scene]', 'the .gltf, .glb, .blend or .pov file');
  addRenderFlags(command).option('--wait', 'stay until the job has ended; Ctrl-C leaves it running');
  return addFarmFlags(command).action(async (scene: string | undefined, options: Options) => {
    process.exitCode = await submit(scene, options);
  });
}

async function submit(sceneFile: string | undefined, options: Options): Promise<number> {
  const flags = parseRenderFlags(options);
  const json = options['json'] === true;
  await using farm = connectFarm(options);
  using interrupt = interruptible('leaving; a job that was submitted goes on');
  const scene = await scenePackage(sceneFile, flags, { coordinator: farm.address, interrupt });
  interrupt.signal.throwIfAborted();
  const job = await submitJob(farm, scene, jobRequest(flags, scene), interrupt.signal);
  if (json) printJson(job);
  else {
    process.stderr.write(`guian: ${oneLine(submittedText(job))}\n`);
    process.stdout.write(`${job.jobId}\n`);
    for (const note of startNotes(job)) process.stderr.write(`guian: ${oneLine(note)}\n`);
    for (const warning of job.warnings) process.stderr.write(`guian: warning: ${warning}\n`);
  }
  if (options['wait'] !== true) return EXIT.done;
  return await followJob(farm, job.jobId, json, interrupt.signal);
}

/** What was taken, with all that was left open filled in. */
function submittedText({ spec, progress }: Job__Output): string {
  const { widthPx = 0, heightPx = 0, samples = 0, renderer = '' } = spec?.settings ?? {};
  const files = spec?.manifest?.files ?? [];
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    `${spec?.manifest?.entry}: ${widthPx}x${heightPx} px`,
    `frames ${spec?.frames} (${progress?.framesTotal ?? 0})`,
    counted(samples, 'sample'),
    `${counted(files.length, 'file')} (${humanBytes(bytes)})`,
    `${renderer} ${spec?.rendererVersion ?? ''}`.trimEnd(),
  ].join(', ');
}
