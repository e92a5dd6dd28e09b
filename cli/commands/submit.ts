/** `guian submit`: hands a scene to a farm and prints the job id; with --wait, stays until it has ended. */
import { Command } from 'commander';
import { printJson } from '../output/table.js';
import { EXIT } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';
import { interruptible } from '../process/interrupt.js';
import { jobRequest } from '../render/job-request.js';
import { addRenderFlags, parseRenderFlags } from '../render/render-flags.js';
import { submitJob } from '../render/run-job.js';
import { scenePackage } from '../render/scene-package.js';
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
    process.stdout.write(`${job.jobId}\n`);
    for (const warning of job.warnings) process.stderr.write(`guian: warning: ${warning}\n`);
  }
  if (options['wait'] !== true) return EXIT.done;
  return await followJob(farm, job.jobId, json, interrupt.signal);
}
