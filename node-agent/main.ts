/**
 * The node agent: wiring only. It joins the farm that its bus belongs to, renders what it is assigned, and leaves without
 * losing a tile. Signals and exit codes are the command line's business.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBus } from '#shared/bus/connect.js';
import type { HeartbeatAnswer } from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import { createLogger } from '#shared/log.js';
import { connectCoordinator } from '#shared/wire/coordinator-client.js';
import { Assignments } from './assignments.js';
import type { AgentConfig } from './config.js';
import { startHeartbeat } from './heartbeat.js';
import { PULL_MS } from './job-feed.js';
import { PreparedFrames } from './prepared-frames.js';
import { RenderPool } from './render-pool.js';
import { SceneCache } from './scene-cache.js';
import { TileRunner } from './tile-runner.js';

export type { AgentConfig } from './config.js';

export interface RunningAgent extends AsyncDisposable {
  readonly nodeId: NodeId;
  /**
   * Stops taking tiles, lets running ones finish, hands the rest back, says goodbye.
   * @param graceMs how long running tiles may take; default 30 s.
   */
  close(graceMs?: number): Promise<void>;
}

const GRACE_MS = 30_000;
/** A server that is away cannot be told goodbye. */
const DRAIN_MS_MAX = 2_000;

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
  const coordinator = keep(connectCoordinator(config.coordinatorAddress));
  // A folder per node: two agents of one machine must not evict each other's packages.
  const folder = join(config.cacheDir, nodeId);
  const cache = keep(await SceneCache.open({ folder, bytesMax: config.cacheBytesMax, coordinator, logger }));
  const frames = keep(new PreparedFrames(logger));
  const pool = keep(new RenderPool({ slots, logger }));
  const { renderers, broken } = await frames.describe();
  for (const { name, reason } of broken)
    logger.warn({ renderer: name, err: reason }, 'renderer does not load here');
  const runner = new TileRunner({ bus, nodeId, slots, cache, frames, pool, logger });
  const activity = () => ({
    slotsBusy: runner.slotsBusy,
    jobIds: runner.jobIds,
    tilesDone: runner.tilesDone,
    ...runner.inHand(),
  });
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
  const leave = async (graceMs: number): Promise<void> => {
    logger.info({ graceMs }, 'agent leaves');
    await assignments[Symbol.asyncDispose]();
    await runner.close(graceMs, PULL_MS + 500);
    heartbeat.leave();
    await Promise.race([bus.connection.drain(), delay(DRAIN_MS_MAX, undefined, { ref: false })]);
    await dispose();
    logger.info({ tilesDone: runner.tilesDone }, 'agent left');
  };
  const close = (graceMs = GRACE_MS): Promise<void> => {
    closing ??= leave(graceMs);
    return closing;
  };
  return { nodeId, close, [Symbol.asyncDispose]: () => close() };
}

/** Newest first. */
async function disposeAll(opened: AsyncDisposable[]): Promise<void> {
  for (let resource = opened.pop(); resource; resource = opened.pop()) await resource[Symbol.asyncDispose]();
}
