/**
 * The coordinator: wiring only. Store and bus are opened, jobs loaded, loops started, services bound; `close` undoes it.
 * No signals and no exit here: whoever runs it decides when it ends.
 */
import { setMaxListeners } from 'node:events';
import { connectBus } from '#shared/bus/connect.js';
import { ensureStreams } from '#shared/bus/streams.js';
import { watchPublishing } from '#shared/bus/watch-publishing.js';
import { systemClock } from '#shared/clock.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { createLogger } from '#shared/log.js';
import { eventLog } from './adapters/events/event-log.js';
import { adminService } from './adapters/grpc/admin-service.js';
import { frameService } from './adapters/grpc/frame-service.js';
import { type JobServiceHooks, jobService } from './adapters/grpc/job-service.js';
import { nodeService } from './adapters/grpc/node-service.js';
import { packageService } from './adapters/grpc/package-service.js';
import { startGrpcServer } from './adapters/grpc/server.js';
import type { MonitoringServer } from './adapters/http/http-server.js';
import type { MonitoringParts } from './adapters/http/start-monitoring.js';
import { openStore, type Store } from './adapters/store/store.js';
import { Admin } from './admin/admin.js';
import { CloseStack } from './close-stack.js';
import type { CoordinatorConfig } from './config.js';
import type { Farm, Stitcher } from './farm.js';
import { FramePool } from './frames/frame-pool.js';
import { JobRegistry } from './jobs/job-registry.js';
import { loadJobs } from './jobs/load-jobs.js';
import { resumeEvents } from './jobs/resume-events.js';
import { parseScriptPolicy } from './jobs/script-policy.js';
import { JobSubmitter } from './jobs/submit-job.js';
import { SceneInspector } from './judging/inspect-on-node.js';
import { SceneJudge } from './judging/scene-judge.js';
import { pauseWhileStuck } from './loops/pause-while-stuck.js';
import { startLoops } from './loops/start-loops.js';
import type { SweepTimes } from './loops/sweep-store.js';

export type { CoordinatorConfig } from './config.js';

export interface RunningCoordinator {
  /** `host:port` of its gRPC services. */
  readonly address: string;
  /** `host:port` of its metrics, where they are served. */
  readonly httpAddress: string | undefined;
  /** Stops everything; running jobs go on at the next start. */
  close(): Promise<void>;
  /** Resolves when it is of no use any more, with the reason; never when it is closed. */
  readonly failed: Promise<FarmError>;
}

/** What a test bounds tighter, or wraps to make it fail; a farm leaves all of it out. */
export interface CoordinatorParts {
  readonly collectedBytesMax?: number;
  readonly sweepTimes?: SweepTimes;
  readonly inspectTimeLimitMs?: number;
  readonly wrapStore?: (store: Store) => Store;
  readonly wrapStitcher?: (stitcher: Stitcher) => Stitcher;
}

/** @throws STORE_LOCKED, BUS_UNAVAILABLE, PORT_TAKEN, DISK_FULL, each with one line that names the way out. */
export async function runCoordinator(
  config: CoordinatorConfig,
  {
    collectedBytesMax = LIMITS.collectedBytesMax,
    sweepTimes,
    inspectTimeLimitMs,
    ...wrap
  }: CoordinatorParts = {},
): Promise<RunningCoordinator> {
  const log = createLogger('coordinator', config.logLevel);
  const stopping = new AbortController();
  // Every call to the bus and every watcher listens to it.
  setMaxListeners(0, stopping.signal);
  const opened = new CloseStack();
  // Undone in reverse: calls end first, the store is unlocked last.
  opened.defer(() => log.info('coordinator stopped'));
  try {
    const opening = opened.use(await openStore(config.storeDir, log));
    const store = wrap.wrapStore?.(opening) ?? opening;
    const bus = opened.use(await connectBus(config.natsUrl, config.prefix, 'guian-coordinator'));
    await ensureStreams(bus, stopping.signal);
    const jobs = new JobRegistry();
    const events = eventLog(bus, systemClock, log, stopping.signal);
    const shared = { clock: systemClock, log, signal: stopping.signal };
    const { blockAfter, quarantineAfter, forgiveAfterMs } = config;
    const blamePolicy = { blockAfter, quarantineAfter, forgiveAfterMs };
    const farm: Farm = { bus, store, jobs, events, collectedBytesMax, blamePolicy, ...shared };
    opened.use(watchPublishing(bus, log, pauseWhileStuck(farm)));
    await loadJobs(farm);
    await resumeEvents(farm);
    const admin = opened.use(await Admin.open({ journal: store.admin, jobs, clock: systemClock, log }));

    const pool = opened.use(new FramePool());
    const judge = opened.use(new SceneJudge());
    const loops = startLoops(farm, wrap.wrapStitcher?.(pool) ?? pool, admin, {
      sweepTimes,
      nodeGone: (nodeId) => inspector.nodeGone(nodeId),
    });
    const inspector: SceneInspector = new SceneInspector(farm, () => loops.nodes.ready(), inspectTimeLimitMs);
    const scriptPolicy = parseScriptPolicy(config.allowScripts);
    opened.defer(() => loops.stop());
    opened.defer(() => stopping.abort());
    const submitter = new JobSubmitter(farm, {
      ...{ judge, inspector, scriptPolicy },
      readyNodes: () => loops.nodes.ready(),
      submitted: (job) => loops.jobSubmitted(job),
    });
    const hooks: JobServiceHooks = {
      submitter,
      cancel: (jobId) => loops.cancelJob(jobId),
      retry: (jobId, frames) => loops.retryJob(jobId, frames),
      ...{ admin, scheduler: loops.scheduler },
    };
    const { nodes, forgiveNode, scheduler } = loops;
    const server = await startGrpcServer(config.listen, {
      jobs: jobService(farm, hooks),
      packages: packageService({ blobs: store.blobs, inspector, scriptPolicy, log }),
      frames: frameService(farm),
      nodes: nodeService({ nodes, forgiveNode, admin, scheduler }, log),
      admin: adminService({ jobs, nodes, clock: systemClock, admin, scheduler }, log),
    });
    opened.defer(() => server.close());
    const monitoring = await monitor(config, { scheduler, admin, nodes, jobs, bus, log });
    opened.defer(() => monitoring?.close());
    opened.defer(() =>
      stopping.abort(new FarmError('COORDINATOR_UNAVAILABLE', 'the coordinator is stopping')),
    );
    await loops.start();
    server.setServing();
    monitoring?.setServing();
    log.info(
      { address: server.address, http: monitoring?.address, nats: config.natsUrl, storeDir: config.storeDir },
      'coordinator started',
    );
    const close = () => opened[Symbol.asyncDispose]();
    const httpAddress = monitoring?.address;
    return { address: server.address, httpAddress, close, failed: bus.lost };
  } catch (error) {
    stopping.abort();
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** Loaded where it is wanted: the library takes longer to load than most of the coordinator. */
async function monitor(
  { http, storeDir }: CoordinatorConfig,
  parts: Omit<MonitoringParts, 'storeDir'>,
): Promise<MonitoringServer | undefined> {
  if (http === undefined) return undefined;
  const { startMonitoring } = await import('./adapters/http/start-monitoring.js');
  return await startMonitoring(http, { ...parts, storeDir });
}
