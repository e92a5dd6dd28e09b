/** What a studio does over gRPC, as promises; and what is left of a job on the bus. */
import { createHash } from 'node:crypto';
import { retryCall } from '#shared/bus/retry-call.js';
import { type JobId, newIdempotencyKey } from '#shared/domain/ids.js';
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
const TIMEOUT_MS = 15_000;
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
    async watch(jobId: string, afterSequence = 0, keptOnly = false): Promise<JobEvent__Output[]> {
      const events: JobEvent__Output[] = [];
      for await (const event of farm.client.jobs.watch({ jobId, afterSequence, keptOnly }))
        events.push(event as JobEvent__Output);
      return events;
    },
    async frames(jobId: string): Promise<FrameRecord__Output[]> {
      const answer = await call<ListFramesResponse__Output>(farm.client, (options, done) =>
        farm.client.frames.list({ jobId }, options, done as never),
      );
      return answer.frames;
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
    state: (jobId: string, wanted: string) =>
      waitUntil(async () => (await calls.get(jobId)).state === wanted, {
        timeoutMs: TIMEOUT_MS,
        describe: `job ${jobId} ${wanted}`,
      }),
    cleared: (jobId: string) =>
      waitUntil(async () => JSON.stringify(await leftOnBus(farm, jobId)) === NOTHING, {
        timeoutMs: TIMEOUT_MS,
        describe: `nothing of ${jobId} on the bus`,
      }),
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
