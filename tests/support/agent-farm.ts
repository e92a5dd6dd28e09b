/** A farm without a coordinator: a real nats-server and a real agent; the test plays the coordinator's part on the bus. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { type RunningNatsServer, startNatsServer } from '#cli/farm/start-nats-server.js';
import { agentConfig } from '#node-agent/config.js';
import { type AgentConfig, type RunningAgent, runAgent } from '#node-agent/main.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { encodeRecordCopy } from '#shared/bus/job-record-copy.js';
import {
  type Assignment,
  decodeMessage,
  encodeMessage,
  RESULT_HEADER,
  type ResultMeta,
  resultMetaSchema,
} from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { ensureJobConsumer, ensureStreams, removeJobFromQueue } from '#shared/bus/streams.js';
import { resolveConfig } from '#shared/config.js';
import { type JobId, newJobId, newPlanId, nodeIdSchema } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema, renderSettingsSchema } from '#shared/domain/job.js';
import type { PackageManifest } from '#shared/domain/scene-package.js';
import type { LogLevel } from '#shared/log.js';
import { type BlobServer, startBlobServer } from './blob-server.js';

export interface AgentFarm extends AsyncDisposable {
  nats: RunningNatsServer;
  readonly bus: Bus;
  readonly blobs: BlobServer;
  startAgent(options?: {
    nodeId?: string;
    slots?: number;
    cacheDir?: string;
    cacheBytesMax?: number;
    /** Default: the farm's own server. */
    natsUrl?: string;
    /** Programs and modules: none unless a test wants them. */
    programs?: Partial<AgentConfig>;
  }): Promise<RunningAgent>;
  /** SIGKILL, then again on the same port and store. */
  restartNats(): Promise<void>;
  job(manifest: PackageManifest, settings?: Record<string, unknown>): JobRecord;
  /** Record, consumer and tiles; the assignment is the test's business. */
  queue(record: JobRecord, frame: number, tilePx: number): Promise<number>;
  /** One slot each. */
  assign(nodeId: string, records: readonly JobRecord[]): Promise<void>;
  /** @returns the revision of the write. */
  assignShares(
    nodeId: string,
    shares: readonly {
      readonly record: JobRecord;
      readonly slots: number;
      readonly slotsMax?: number;
      readonly yields?: true;
    }[],
    finishing?: readonly JobRecord[],
  ): Promise<number>;
  /** Every part stored so far. */
  results(jobId: JobId): Promise<{ meta: ResultMeta; bytes: Uint8Array }[]>;
}

/** Nobody asks for longer, and a server that is there answers at once. */
const READ_MS_MAX = 30_000;
const LEVEL = (process.env['GUIAN_TEST_LOG'] ?? 'silent') as LogLevel;

export async function startAgentFarm(): Promise<AgentFarm> {
  const folder = await mkdtemp(join(tmpdir(), 'guian-agent-farm-'));
  const storeDir = join(folder, 'store');
  const blobs = await startBlobServer();
  const agents: RunningAgent[] = [];
  const farm: AgentFarm = {
    nats: await startNatsServer({ storeDir }),
    bus: undefined as unknown as Bus,
    blobs,
    async startAgent({
      nodeId = 'node-1',
      slots = 2,
      cacheBytesMax = 2 ** 30,
      cacheDir,
      natsUrl = farm.nats.url,
      programs,
    } = {}) {
      const agent = await runAgent({
        ...resolveConfig(agentConfig, { flags: { blender: 'none', povray: 'none', sandbox: 'off' } }),
        ...programs,
        natsUrl,
        prefix: 'test',
        coordinatorAddress: blobs.address,
        nodeId: nodeIdSchema.parse(nodeId),
        slots,
        cacheDir: cacheDir ?? join(folder, 'cache'),
        cacheBytesMax,
        graceMs: 30_000,
        slotMemoryBytes: 0,
        logLevel: LEVEL,
      });
      agents.push(agent);
      return agent;
    },
    async restartNats() {
      const { port, exited } = farm.nats;
      farm.nats.kill();
      await exited;
      farm.nats = await startNatsServer({ storeDir, port });
    },
    job,
    queue: (record, frame, tilePx) => queue(farm.bus, record, frame, tilePx),
    async assign(nodeId, records) {
      await farm.assignShares(
        nodeId,
        records.map((record) => ({ record, slots: 1 })),
      );
    },
    async assignShares(nodeId, shares, finishing = []) {
      const named = ({ jobId, plan }: JobRecord) => ({ jobId, planId: plan.planId });
      const assignment: Assignment = {
        jobs: shares.map(({ record, ...share }) => ({ ...named(record), ...share })),
        ...(finishing.length > 0 && { finishing: finishing.map(named) }),
      };
      const kv = await farm.bus.kvm.open(farm.bus.names.assignmentsBucket);
      return await retryCall('assign', () => kv.put(nodeId, encodeMessage(assignment)));
    },
    results: (jobId) => readResults(farm.bus, jobId),
    async [Symbol.asyncDispose]() {
      for (const agent of agents) await agent.close(0);
      await farm.bus[Symbol.asyncDispose]();
      await farm.nats.stop();
      await blobs[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  Object.assign(farm, { bus: await connectBus(farm.nats.url, 'test', 'test coordinator') });
  await ensureStreams(farm.bus);
  return farm;
}

function job(manifest: PackageManifest, settings: Record<string, unknown> = {}): JobRecord {
  return jobRecordSchema.parse({
    jobId: newJobId('agent-test'),
    name: 'agent test',
    studio: 'test',
    idempotencyKey: 'key',
    requestDigest: '0'.repeat(64),
    manifest,
    frames: [0, 1, 2, 3],
    settings: renderSettingsSchema.parse({
      renderer: 'synthetic',
      widthPx: 64,
      heightPx: 64,
      ...settings,
    }),
    plan: { planId: newPlanId(), tileWidthPx: 16, tileHeightPx: 16 },
    tile: '16',
    maxAttempts: 3,
    warnings: [],
    createdAtMs: Date.now(),
  });
}

async function queue(bus: Bus, record: JobRecord, frame: number, tilePx: number): Promise<number> {
  const { jobId, settings, plan } = record;
  const jobs = await bus.kvm.open(bus.names.jobsBucket);
  await retryCall('record', () => jobs.put(jobId, encodeRecordCopy(record)));
  await ensureJobConsumer(bus, jobId);
  const publishes: Promise<unknown>[] = [];
  for (let y0 = 0; y0 < settings.heightPx; y0 += tilePx) {
    for (let x0 = 0; x0 < settings.widthPx; x0 += tilePx) {
      const region = {
        x0,
        y0,
        x1: Math.min(x0 + tilePx, settings.widthPx),
        y1: Math.min(y0 + tilePx, settings.heightPx),
      };
      const address = { jobId, frame, tile: publishes.length, attempt: 1 };
      const body = encodeMessage({ ...address, planId: plan.planId, region });
      publishes.push(retryCall('queue', () => bus.js.publish(bus.names.tile(address), body)));
      if (publishes.length % 256 === 0) await Promise.all(publishes);
    }
  }
  await Promise.all(publishes);
  return publishes.length;
}

/** Again from the start when the server says nothing for long, or is away. */
const readResults = (bus: Bus, jobId: JobId) => retryCall('read results', () => readResultsOnce(bus, jobId));

async function readResultsOnce(bus: Bus, jobId: JobId): Promise<{ meta: ResultMeta; bytes: Uint8Array }[]> {
  const info = await bus.jsm.consumers.add(bus.names.resultsStream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    filter_subject: bus.names.resultsOfJob(jobId),
    mem_storage: true,
    inactive_threshold: nanos(READ_MS_MAX),
  });
  const found: { meta: ResultMeta; bytes: Uint8Array }[] = [];
  if (info.num_pending > 0) {
    const consumer = await bus.js.consumers.get(bus.names.resultsStream, info.name);
    for await (const message of await consumer.fetch({
      max_messages: info.num_pending,
      expires: READ_MS_MAX,
    })) {
      const meta = decodeMessage(resultMetaSchema, message.headers!.get(RESULT_HEADER), 'result');
      found.push({ meta, bytes: message.data });
    }
  }
  // Otherwise it goes by itself, later.
  await bus.jsm.consumers.delete(bus.names.resultsStream, info.name).catch(() => undefined);
  return found;
}

/** As a coordinator ends a job. */
export const endJob = (farm: AgentFarm, jobId: JobId): Promise<void> => removeJobFromQueue(farm.bus, jobId);
