/** What a studio does over gRPC, as promises; and what is left of a job on the bus. */
import { createHash } from 'node:crypto';
import { isStreamLost } from '#coordinator/loops/stream-lost.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { type JobId, newIdempotencyKey } from '#shared/domain/ids.js';
import type { JobState } from '#shared/domain/job.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { isJobEnded } from '#shared/state/job-state.js';
import { call } from '#shared/wire/coordinator-client.js';
import type { FrameRecord__Output } from '#shared/wire/generated/guian/v1/FrameRecord.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobEvent__Output } from '#shared/wire/generated/guian/v1/JobEvent.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { ListFramesResponse__Output } from '#shared/wire/generated/guian/v1/ListFramesResponse.js';
import type { ListJobsResponse__Output } from '#shared/wire/generated/guian/v1/ListJobsResponse.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import type { RetryJobResponse__Output } from '#shared/wire/generated/guian/v1/RetryJobResponse.js';
import type { SubmitJobResponse__Output } from '#shared/wire/generated/guian/v1/SubmitJobResponse.js';
import type { CoordinatorFarm } from './coordinator-farm.js';
import { type FakeAgent, type FakeAgentOptions, startFakeAgent } from './fake-agent.js';
import { waitUntil } from './wait-until.js';

export const SCENE = Buffer.from('a synthetic scene');
export const SCENE_DIGEST = createHash('sha256').update(SCENE).digest('hex');
/** Of a wait that only ends in vain when the thing never comes, however busy the machine is. */
export const TIMEOUT_MS = 60_000;
const JOBS_MAX = 100;
const NOTHING = JSON.stringify({ tiles: 0, results: 0, consumers: 0, records: 0 });

/** Three frames of twelve tiles, each a few pixels. */
export function spec(changes: Partial<JobSpec> = {}): JobSpec {
  return {
    name: 'gradient',
    manifest: { entry: 's.txt', files: [{ path: 's.txt', digest: SCENE_DIGEST, sizeBytes: SCENE.length }] },
    frames: '1-3',
    tile: '32',
    settings: { renderer: 'synthetic', widthPx: 100, heightPx: 70, formats: ['exr'] },
    ...changes,
  };
}

/** What a studio needs of a farm, and the bus to look behind it. */
export type FarmAccess = Pick<CoordinatorFarm, 'client' | 'bus'>;

export function farmCalls(farm: FarmAccess) {
  const calls = {
    upload: (bytes: Buffer, options: { digest?: string; sizeBytes?: number; offsetBytes?: number } = {}) =>
      new Promise<void>((resolve, reject) => {
        const digest = options.digest ?? createHash('sha256').update(bytes).digest('hex');
        const stream = farm.client.packages.uploadBlob((error) => (error ? reject(error) : resolve()));
        stream.on('error', () => undefined);
        const offsetBytes = options.offsetBytes ?? 0;
        stream.write({
          header: { blob: { digest, sizeBytes: options.sizeBytes ?? bytes.length }, offsetBytes },
        });
        stream.write({ data: bytes.subarray(offsetBytes) });
        stream.end();
      }),
    submit: (wanted: JobSpec = spec(), idempotencyKey: string = newIdempotencyKey()) =>
      call<SubmitJobResponse__Output>(farm.client, (options, done) =>
        farm.client.jobs.submit({ idempotencyKey, spec: wanted }, options, done as never),
      ),
    get: (jobId: string) =>
      call<Job__Output>(farm.client, (options, done) =>
        farm.client.jobs.get({ jobId }, options, done as never),
      ),
    list: (pageSize: number, pageToken: string, state = '') =>
      call<ListJobsResponse__Output>(farm.client, (options, done) =>
        farm.client.jobs.list({ pageSize, pageToken, state }, options, done as never),
      ),
    cancel: (jobId: string) =>
      call<Job__Output>(farm.client, (options, done) =>
        farm.client.jobs.cancel({ jobId }, options, done as never),
      ),
    retry: (jobId: string, frames = '') =>
      call<RetryJobResponse__Output>(farm.client, (options, done) =>
        farm.client.jobs.retry({ jobId, frames }, options, done as never),
      ),
    watch(jobId: string, afterSequence = 0, keptOnly = false): Promise<JobEvent__Output[]> {
      const collect = async () => {
        const events: JobEvent__Output[] = [];
        for await (const event of farm.client.jobs.watch({ jobId, afterSequence, keptOnly }))
          events.push(event as JobEvent__Output);
        return events;
      };
      const watching = collect();
      // Thrown where it is awaited; a test that fails before that has said enough.
      watching.catch(() => undefined);
      return watching;
    },
    async frames(jobId: string): Promise<FrameRecord__Output[]> {
      const answer = await call<ListFramesResponse__Output>(farm.client, (options, done) =>
        farm.client.frames.list({ jobId }, options, done as never),
      );
      return answer.frames;
    },
    /** One frame, with its finished tiles. */
    async frame(jobId: string, frame: number): Promise<FrameRecord__Output | undefined> {
      const answer = await call<ListFramesResponse__Output>(farm.client, (options, done) =>
        farm.client.frames.list({ jobId, frame }, options, done as never),
      );
      return answer.frames[0];
    },
    async nodes(): Promise<Node__Output[]> {
      const answer = await call<ListNodesResponse__Output>(farm.client, (options, done) =>
        farm.client.nodes.list({}, options, done as never),
      );
      return answer.nodes;
    },
    async download(jobId: string, frame: number, format: string): Promise<Buffer> {
      const chunks: Buffer[] = [];
      for await (const chunk of farm.client.frames.download({ jobId, frame, format })) {
        const { data } = chunk as { data?: Buffer };
        if (data) chunks.push(data);
      }
      return Buffer.concat(chunks);
    },
    /** A fake agent, once the job has its consumer. */
    async agent(jobId: string, options: FakeAgentOptions = {}): Promise<FakeAgent> {
      await waitUntil(async () => (await leftOnBus(farm, jobId)).consumers === 1, {
        timeoutMs: TIMEOUT_MS,
        describe: `a consumer of ${jobId}`,
      });
      return startFakeAgent(farm.bus, jobId as JobId, options);
    },
    /** Fails at once when the job has ended in another state. */
    async state(jobId: string, wanted: string): Promise<void> {
      let seen: Job__Output | undefined;
      await waitUntil(
        async () => {
          seen = await calls.get(jobId);
          if (isJobEnded(seen.state as JobState) && seen.state !== wanted)
            throw new Error(`job ${jobId} is ${seen.state}, not ${wanted}: ${JSON.stringify(seen.progress)}`);
          return seen.state === wanted;
        },
        { timeoutMs: TIMEOUT_MS, describe: () => `job ${jobId} ${wanted}; it is ${JSON.stringify(seen)}` },
      );
    },
    /**
     * Waits for so many events of a kind: what they tell of can be seen before they can be read.
     * @returns all that there are of the kind, in order.
     */
    async told(jobId: string, kind: string, atLeast = 1): Promise<JobEvent__Output[]> {
      let all: JobEvent__Output[] = [];
      const ofKind = () => all.filter((event) => event.kind === kind);
      await waitUntil(
        async () => {
          all = await calls.watch(jobId, 0, true);
          return ofKind().length >= atLeast;
        },
        {
          timeoutMs: TIMEOUT_MS,
          describe: () => `${atLeast} × ${kind} of ${jobId}; told are ${all.map((event) => event.kind)}`,
        },
      );
      return ofKind();
    },
    /**
     * The end of a job, and that it is told: behind it no event of what came before is missing.
     * @returns all kept events, in order.
     */
    async ended(jobId: string, wanted = 'finished'): Promise<JobEvent__Output[]> {
      await calls.state(jobId, wanted);
      let all: JobEvent__Output[] = [];
      await waitUntil(
        async () => {
          all = await calls.watch(jobId, 0, true);
          return /^(finished|cancelled)$/.test(all.at(-1)?.kind ?? '');
        },
        {
          timeoutMs: TIMEOUT_MS,
          describe: () => `the end of ${jobId} told; told are ${all.map((event) => event.kind)}`,
        },
      );
      return all;
    },
    async cleared(jobId: string): Promise<void> {
      let left = '';
      const isCleared = async () => {
        const found = await leftOnBus(farm, jobId).catch((error: unknown) => {
          // A job may end before the coordinator has made a lost stream again: that is looked for later, then.
          if (isStreamLost(error)) return messageOf(error);
          throw error;
        });
        left = JSON.stringify(found);
        return left === NOTHING;
      };
      await waitUntil(isCleared, {
        timeoutMs: TIMEOUT_MS,
        describe: () => `nothing of ${jobId} on the bus, where there is ${left}`,
      });
    },
    /**
     * Starts a coordinator, and resolves when it has published so many tiles of a job: the queue refuses those that it has,
     * but takes one that an agent has rendered and acked in the moment before.
     */
    async fed(jobId: string, count: number, start: () => Promise<void>): Promise<void> {
      let seen = 0;
      const { connection, names } = farm.bus;
      const callback = () => {
        seen++;
      };
      const subscription = connection.subscribe(names.tilesOfJob(jobId as JobId), { callback });
      await connection.flush();
      await start();
      await waitUntil(() => seen >= count, {
        timeoutMs: TIMEOUT_MS,
        describe: () => `${count} tiles of ${jobId} published; there were ${seen}`,
      });
      subscription.unsubscribe();
    },
    /** For after each test: a job that a failed one has left would fail the next one, too. */
    async cancelAll(): Promise<void> {
      for (const state of ['queued', 'running'])
        for (const { jobId } of (await calls.list(JOBS_MAX, '', state)).jobs)
          await calls.cancel(jobId).catch((error: unknown) => {
            if (!(error instanceof FarmError && error.code === 'JOB_ALREADY_FINISHED')) throw error;
          });
    },
  };
  return calls;
}

/** How much of a job the bus holds. */
export async function leftOnBus(farm: FarmAccess, jobId: string) {
  const { names, jsm, kvm } = farm.bus;
  const id = jobId as JobId;
  const subjects = async (stream: string, filter: string) => {
    const info = await retryCall('count', () => jsm.streams.info(stream, { subjects_filter: filter }));
    return Object.keys(info.state.subjects ?? {}).length;
  };
  const record = await retryCall('read record', async () => (await kvm.open(names.jobsBucket)).get(jobId));
  const consumer = await retryCall('look at consumer', () =>
    jsm.consumers.info(names.tilesStream, jobId),
  ).catch(() => undefined);
  return {
    tiles: await subjects(names.tilesStream, names.tilesOfJob(id)),
    results: await subjects(names.resultsStream, names.resultsOfJob(id)),
    consumers: consumer ? 1 : 0,
    records: record?.operation === 'PUT' ? 1 : 0,
  };
}
