/**
 * The node agent: wiring only. It joins the farm that its bus belongs to, renders what it is assigned, and leaves without
 * losing a tile. Signals and exit codes are the command line's business.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import type { HeartbeatAnswer } from '#shared/bus/messages.js';
import { watchPublishing } from '#shared/bus/watch-publishing.js';
import type { NodeId } from '#shared/domain/ids.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { createLogger, type Logger } from '#shared/log.js';
import { type CoordinatorClient, call, connectCoordinator } from '#shared/wire/coordinator-client.js';
import { Assignments } from './assignments.js';
import type { AgentConfig } from './config.js';
import { type NodeActivity, startHeartbeat } from './heartbeat.js';
import { PULL_MS } from './job-feed.js';
import { PreparedFrames } from './prepared-frames.js';
import { RenderPool } from './render-pool.js';
import { SceneCache } from './scene-cache.js';
import { slotMemoryBytes } from './slot-memory.js';
import { TileRunner } from './tile-runner.js';

export type { AgentConfig } from './config.js';

export interface RunningAgent extends AsyncDisposable {
  readonly nodeId: NodeId;
  /**
   * Stops taking tiles, lets running ones finish, hands the rest back, says goodbye.
   * @param graceMs how long running tiles may take; default: as configured.
   */
  close(graceMs?: number): Promise<void>;
  /** Tiles rendering, and tiles done whose results are on their way. */
  readonly atWork: { readonly rendering: number; readonly publishing: number };
  /** Resolves when the agent is of no use any more, with the reason; never when it is closed. */
  readonly failed: Promise<FarmError>;
}

/** A server that is away cannot be told goodbye. */
const DRAIN_MS_MAX = 2_000;
const JUDGED_MS_MAX = 1_000;

/** @throws BUS_UNAVAILABLE when nobody answers at `natsUrl` now; later outages are waited out. */
export async function runAgent(config: AgentConfig): Promise<RunningAgent> {
  const opened: AsyncDisposable[] = [];
  const keep = <T extends AsyncDisposable>(resource: T): T => {
    opened.push(resource);
    return resource;
  };
  try {
    return await start(config, keep, () => disposeAll(opened));
  } catch (error) {
    await disposeAll(opened);
    throw error;
  }
}

async function start(
  config: AgentConfig,
  keep: <T extends AsyncDisposable>(resource: T) => T,
  dispose: () => Promise<void>,
): Promise<RunningAgent> {
  const { nodeId, slots } = config;
  const logger = createLogger('node-agent', config.logLevel).child({ nodeId });
  const bus = keep(await connectBus(config.natsUrl, config.prefix, `guian-agent ${nodeId}`));
  keep(watchPublishing(bus, logger));
  const coordinator = keep(connectCoordinator(config.coordinatorAddress));
  // A folder per node: two agents of one machine must not evict each other's packages.
  const folder = join(config.cacheDir, nodeId);
  const cache = keep(await SceneCache.open({ folder, bytesMax: config.cacheBytesMax, coordinator, logger }));
  const { frames, pool, threadsLost } = openThreads(config, keep, logger);
  const { renderers, broken } = await frames.describe();
  for (const { name, reason } of broken)
    logger.warn({ renderer: name, err: reason }, 'renderer does not load here');
  const runner = new TileRunner({
    bus,
    nodeId,
    slots,
    cache,
    frames,
    pool,
    logger,
    isJudged: () => answers(coordinator),
  });
  const activity = () => activityOf(runner);
  const onAnswer = (answer: HeartbeatAnswer) => runner.drop(answer);
  const heartbeat = startHeartbeat({ bus, nodeId, slots, renderers, logger, activity, onAnswer });
  const assignments = new Assignments({
    bus,
    nodeId,
    logger,
    onChange: (jobs) => runner.setJobs(jobs),
  });
  logger.info({ slots, renderers: renderers.map((renderer) => renderer.name) }, 'agent started');

  let closing: Promise<void> | undefined;
  const busLost = bus.lost.then((error) => {
    if (!closing) logger.error({ err: error }, 'connection to the server closed for good');
    return error;
  });
  const failed = Promise.race([busLost, threadsLost]);
  const leave = async (graceMs: number): Promise<void> => {
    // A watch that waits for a server that is away must not hold up what is to be handed back.
    const unassigned = assignments[Symbol.asyncDispose]();
    const drained = runner.close(graceMs, PULL_MS + 500);
    heartbeat.beat();
    await Promise.all([unassigned, drained]);
    heartbeat.leave();
    await sayGoodbye(bus, logger);
    await dispose();
    logger.info({ tilesDone: runner.tilesDone }, 'agent left');
  };
  const close = (graceMs = config.graceMs): Promise<void> => {
    closing ??= leave(graceMs);
    return closing;
  };
  return {
    nodeId,
    close,
    get atWork() {
      return runner.atWork;
    },
    failed,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** Who prepares frames, who renders tiles, and the news that neither can go on. */
function openThreads(
  config: AgentConfig,
  keep: <T extends AsyncDisposable>(resource: T) => T,
  logger: Logger,
) {
  const { slots } = config;
  const slotBytes = slotMemoryBytes(config.slotMemoryBytes, slots);
  let onBroken: (error: FarmError) => void = () => undefined;
  const threadsLost = new Promise<FarmError>((resolve) => {
    onBroken = resolve;
  });
  const frames = keep(new PreparedFrames(logger, { slotMemoryBytes: slotBytes, onBroken }));
  const pool = keep(
    new RenderPool({ slots, logger, slotMemoryBytes: slotBytes, preparation: frames, onBroken }),
  );
  return { frames, pool, threadsLost };
}

function activityOf(runner: TileRunner): NodeActivity {
  return {
    slotsBusy: runner.slotsBusy,
    jobIds: runner.jobIds,
    tilesDone: runner.tilesDone,
    ...runner.inHand(),
    draining: runner.isClosing,
    troubles: runner.troubles(),
  };
}

/** What was said last reaches the server, if it is there. */
async function sayGoodbye({ connection }: Bus, logger: Logger): Promise<void> {
  if (connection.isClosed()) return;
  const drained = connection
    .drain()
    .catch((error: unknown) => logger.warn({ reason: messageOf(error) }, 'left while the server is away'));
  await Promise.race([drained, delay(DRAIN_MS_MAX, undefined, { ref: false })]);
}

/** Whatever it says: who answers has seen what this node's attempts came to. */
async function answers(coordinator: CoordinatorClient): Promise<boolean> {
  try {
    await call(
      coordinator,
      (options, done) => coordinator.packages.missingBlobs({ blobs: [] }, options, done),
      JUDGED_MS_MAX,
    );
    return true;
  } catch (error) {
    return !(error instanceof FarmError && error.code === 'COORDINATOR_UNAVAILABLE');
  }
}

/** Newest first. */
async function disposeAll(opened: AsyncDisposable[]): Promise<void> {
  for (let resource = opened.pop(); resource; resource = opened.pop()) await resource[Symbol.asyncDispose]();
}
