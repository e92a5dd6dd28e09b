/**
 * A farm as `guian up` starts it (nats-server, coordinator and agent in processes of their own), and jobs on it as
 * `guian submit` sends them. Warm: it has rendered before the clock starts.
 */
import { type Farm, type FarmOptions, startFarm } from '#cli/farm/embedded-farm.js';
import { downloadFrame } from '#cli/render/download-frame.js';
import { jobRequest } from '#cli/render/job-request.js';
import { parseRenderFlags } from '#cli/render/render-flags.js';
import { submitJob } from '#cli/render/run-job.js';
import { scenePackage } from '#cli/render/scene-package.js';
import { watchJob } from '#cli/render/watch-job.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { invariant } from '#shared/invariant.js';
import { type CoordinatorClient, call, connectCoordinator } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';

export interface WarmFarm extends AsyncDisposable {
  readonly farm: Farm;
  readonly client: CoordinatorClient;
  /** The farm's own bus, to listen on. */
  readonly bus: Bus;
  /** Reads the flags and the scene; what it returns may be submitted again and again. */
  job(flags: Readonly<Record<string, string>>, scene?: string): Promise<PlannedJob>;
  download(jobId: string, frame: number, format: string, folder: string): Promise<string>;
}

export interface PlannedJob {
  /** As `guian submit` does: uploads what is missing, submits. Answers when the coordinator has. */
  submit(): Promise<SubmittedJob>;
  /** Submits and waits for the end. */
  runToEnd(): Promise<Job__Output>;
}

export interface SubmittedJob {
  readonly jobId: string;
  /** Resolves when every tile is rendered and every frame written. @throws when one is not. */
  ended(): Promise<Job__Output>;
}

/** Long enough for the slowest benchmark on a busy machine; a farm that hangs must not hang the benchmark for good. */
const DEADLINE_MS = 15 * 60_000;

export async function startWarmFarm(options: Pick<FarmOptions, 'agents'> = {}): Promise<WarmFarm> {
  const farm = await startFarm({ ...options, logLevel: 'warn' });
  const client = connectCoordinator(farm.coordinatorAddress);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const bus = await connectBus(farm.natsUrl, 'guian', 'guian-bench');
    return {
      farm,
      client,
      bus,
      job: (flags, scene) => plannedJob(client, flags, scene, signal),
      download: (jobId, frame, format, folder) =>
        downloadFrame(client, { jobId, frame, format }, folder, signal),
      async [Symbol.asyncDispose]() {
        await bus[Symbol.asyncDispose]();
        client.close();
        await farm.stop();
      },
    };
  } catch (error) {
    client.close();
    await farm.stop();
    throw error;
  }
}

async function plannedJob(
  client: CoordinatorClient,
  flagTexts: Readonly<Record<string, string>>,
  scene: string | undefined,
  signal: AbortSignal,
): Promise<PlannedJob> {
  const flags = parseRenderFlags(flagTexts);
  const source = await scenePackage(scene, flags);
  const spec = jobRequest(flags, source);
  const submit = async (): Promise<SubmittedJob> => {
    const { jobId } = await submitJob(client, source, spec, signal);
    return { jobId, ended: () => endOf(client, jobId, signal) };
  };
  return { submit, runToEnd: async () => (await submit()).ended() };
}

async function endOf(client: CoordinatorClient, jobId: string, signal: AbortSignal): Promise<Job__Output> {
  for await (const event of watchJob(client, jobId, signal)) {
    invariant(!event.kind.endsWith('_failed'), `${event.kind}: ${event.message}`);
  }
  const job = await call<Job__Output>(client, (options, done) => client.jobs.get({ jobId }, options, done));
  const { state, progress } = job;
  invariant(state === 'finished', `job ${jobId} ended as ${state}`);
  invariant(progress?.tilesDone === progress?.tilesTotal, `${progress?.tilesDone} tiles are done`);
  return job;
}
