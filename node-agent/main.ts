/**
 * The node agent: wiring only. It joins the farm that its bus belongs to, renders what it is assigned, and leaves without
 * losing a tile. Signals and exit codes are the command line's business.
 */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import type { HeartbeatAnswer } from '#shared/bus/messages.js';
import { watchPublishing } from '#shared/bus/watch-publishing.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { RendererDescription } from '#shared/domain/renderers.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { createLogger, type Logger } from '#shared/log.js';
import { type CoordinatorClient, call, connectCoordinator } from '#shared/wire/coordinator-client.js';
import { type AssignedJob, Assignments } from './assignments.js';
import type { AgentConfig } from './config.js';
import { type NodeActivity, type RunningHeartbeat, startHeartbeat } from './heartbeat.js';
import { watchIdle } from './idle-watch.js';
import { InspectScenes } from './inspect-scenes.js';
import { PULL_MS } from './job-feed.js';
import { LicenceFence } from './licence-fence.js';
import { findPrograms, type NodePrograms } from './node-programs.js';
import { PreparedFrames } from './prepared-frames.js';
import { RenderPool } from './render-pool.js';
import { rendererLabel } from './renderers/registry.js';
import { SceneCache } from './scene-cache.js';
import { openScratch, type Scratch } from './scratch-folder.js';
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
  /** Resolves when it has had no work for as long as is configured: it may be closed and left. */
  readonly idle: Promise<void>;
}

/** A server that is away cannot be told goodbye. */
const DRAIN_MS_MAX = 2_000;
const JUDGED_MS_MAX = 1_000;
/**
 * How long a node waits for its programs before it says that it is there: one that came without its Blender would have jobs
 * paused that it could render. A search that takes longer (a program on a drive that hangs) is told of when it ends.
 */
const SEARCH_MS_MAX = 15_000;
/** Between two heartbeats out of turn: many tiles may end at once. */
const EXTRA_BEAT_MS = 50;
/** What a heartbeat may carry. */
const SANDBOX_CHARS_MAX = 256;

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
  const node = await openNode(config, keep, logger);
  const { bus, coordinator, cache, scratch, programs, frames, pool } = node;
  let known: Pick<NodePrograms, 'renderers' | 'sandbox'> | undefined;
  const searched = programs.then((found) => {
    known = found;
    logger.info({ renderers: found.renderers.map(rendererLabel), sandbox: found.sandbox }, 'programs found');
  });
  const [own] = await Promise.all([frames.describe(), withinSearchTime(searched, logger)]);
  for (const { name, reason } of own.broken)
    logger.warn({ renderer: name, err: reason }, 'renderer does not load here');
  const isJudged = () => answers(coordinator);
  const fence = new LicenceFence({ onClosed: () => runner.abortCapped(), onOpened: () => runner.resume() });
  const limits = { mayBeginCapped: () => fence.isOpen(), onCleared: () => beatSoon() };
  const runner = new TileRunner({ bus, nodeId, slots, cache, frames, pool, logger, isJudged, ...limits });
  let assignments: Assignments | undefined;
  const activity = () => ({
    ...activityOf(runner, own.renderers, known),
    // What it has handed back unfinished may still be ending.
    assignmentRevision: runner.hasGivenUp ? 0 : (assignments?.revision ?? 0),
  });
  const onAnswer = (answer: HeartbeatAnswer) => runner.drop(answer);
  const traits = traitsOf(config);
  const heartbeat = startHeartbeat({ bus, nodeId, slots, traits, logger, activity, onAnswer });
  const beatSoon = calmly(EXTRA_BEAT_MS, () => heartbeat.beat());
  const inspecting = { programs: async () => (await programs).programs, scratchFolder: scratch.inspections };
  const inspections = keep(new InspectScenes({ bus, nodeId, cache, logger, ...inspecting }));
  const onChange = (jobs: ReadonlyMap<JobId, AssignedJob>) => {
    runner.setJobs(jobs);
    // Whoever took something away waits to hear that it is gone.
    beatSoon();
  };
  assignments = new Assignments({ bus, nodeId, logger, onChange, onContact: (at) => fence.contact(at) });
  const idleWatch = watchIdle({
    afterMs: config.exitWhenIdleMs,
    isIdle: () => known !== undefined && runner.isIdle && inspections.isIdle,
    workDone: () => runner.tilesTaken + inspections.answered,
  });
  logger.info({ slots, renderers: own.renderers.map((renderer) => renderer.name) }, 'agent started');

  const running = { config, node, logger, runner, heartbeat, assignments, inspections, fence, idleWatch };
  const agent = runningAgent({ ...running, dispose });
  // At once when they were found in time; nothing has changed then.
  if (!known) void searched.then(() => heartbeat.beat());
  return agent;
}

interface RunningParts {
  readonly config: AgentConfig;
  readonly node: Awaited<ReturnType<typeof openNode>>;
  readonly logger: Logger;
  readonly runner: TileRunner;
  readonly heartbeat: RunningHeartbeat;
  readonly assignments: Assignments;
  readonly inspections: InspectScenes;
  readonly fence: LicenceFence;
  readonly idleWatch: ReturnType<typeof watchIdle>;
  dispose(): Promise<void>;
}

/** How it ends. */
function runningAgent(parts: RunningParts): RunningAgent {
  const { config, node, logger, runner, heartbeat, assignments, inspections, fence, idleWatch } = parts;
  let closing: Promise<void> | undefined;
  const busLost = node.bus.lost.then((error) => {
    if (!closing) logger.error({ err: error }, 'connection to the server closed for good');
    return error;
  });
  const leave = async (graceMs: number): Promise<void> => {
    idleWatch.stop();
    const drained = runner.close(graceMs, PULL_MS + 500);
    heartbeat.beat();
    // What it is told meanwhile still counts: tiles under a licence may go on only while it can be told.
    await Promise.all([drained, inspections[Symbol.asyncDispose]()]);
    await assignments[Symbol.asyncDispose]();
    fence[Symbol.dispose]();
    heartbeat.leave();
    await sayGoodbye(node.bus, logger);
    await parts.dispose();
    logger.info({ tilesDone: runner.tilesDone }, 'agent left');
  };
  const close = (graceMs = config.graceMs): Promise<void> => {
    closing ??= leave(graceMs);
    return closing;
  };
  return {
    nodeId: config.nodeId,
    close,
    get atWork() {
      return runner.atWork;
    },
    failed: Promise.race([busLost, node.threadsLost]),
    idle: idleWatch.idle,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** @returns when the search is over, or has taken too long. */
async function withinSearchTime(searched: Promise<void>, logger: Logger): Promise<void> {
  const abort = new AbortController();
  const late = delay(SEARCH_MS_MAX, true, { signal: abort.signal }).catch(() => false);
  if (await Promise.race([searched, late]))
    logger.warn({ waitedMs: SEARCH_MS_MAX }, 'programs are still looked for, starting without them');
  abort.abort();
}

/** @returns calls `act` soon, once for all calls until then. */
function calmly(delayMs: number, act: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    const run = () => {
      isDue = false;
      act();
    };
    setTimeout(run, delayMs).unref();
  };
}

/** What the admin says of the node. */
const traitsOf = ({ pools, tags, gpus }: AgentConfig) => ({
  pools: [...new Set(pools)],
  tags: [...new Set(tags)],
  gpus: gpus.flat().slice(0, LIMITS.gpusPerNodeMax),
});

/** What the agent works with. */
async function openNode(
  config: AgentConfig,
  keep: <T extends AsyncDisposable>(resource: T) => T,
  logger: Logger,
) {
  const { nodeId } = config;
  const bus = keep(await connectBus(config.natsUrl, config.prefix, `guian-agent ${nodeId}`));
  keep(watchPublishing(bus, logger));
  const coordinator = keep(connectCoordinator(config.coordinatorAddress));
  // A folder per node: two agents of one machine must not evict each other's packages. Absolute, since programs have
  // working folders of their own.
  const folder = resolve(config.cacheDir, nodeId);
  const cache = keep(await SceneCache.open({ folder, bytesMax: config.cacheBytesMax, coordinator, logger }));
  const scratch = keep(await openScratch(folder));
  const programs = findPrograms(config, logger);
  const threads = openThreads({ config, keep, logger, programs, scratch });
  return { bus, coordinator, cache, scratch, programs, ...threads };
}

interface ThreadsOptions {
  readonly config: AgentConfig;
  readonly keep: <T extends AsyncDisposable>(resource: T) => T;
  readonly logger: Logger;
  readonly programs: Promise<NodePrograms>;
  readonly scratch: Scratch;
}

/** Who prepares frames, who renders tiles, and the news that neither can go on. */
function openThreads({ config, keep, logger, programs, scratch }: ThreadsOptions) {
  const { slots } = config;
  const slotMemory = slotMemoryBytes(config.slotMemoryBytes, slots);
  let onBroken: (error: FarmError) => void = () => undefined;
  const threadsLost = new Promise<FarmError>((resolve) => {
    onBroken = resolve;
  });
  const common = { slotMemoryBytes: slotMemory, onBroken };
  const frames = keep(
    new PreparedFrames(logger, { ...common, programs: async () => (await programs).programs }),
  );
  const pool = keep(
    new RenderPool({ ...common, slots, logger, preparation: frames, scratchFolder: scratch.slots }),
  );
  return { frames, pool, threadsLost };
}

function activityOf(
  runner: TileRunner,
  own: readonly RendererDescription[],
  known: Pick<NodePrograms, 'renderers' | 'sandbox'> | undefined,
): NodeActivity {
  return {
    slotsBusy: runner.slotsBusy,
    jobIds: runner.jobIds,
    tilesDone: runner.tilesDone,
    ...runner.inHand(),
    draining: runner.isClosing,
    troubles: runner.troubles(),
    renderers: [...own, ...(known?.renderers ?? [])].slice(0, LIMITS.renderersPerNodeMax),
    sandbox: known?.sandbox.slice(0, SANDBOX_CHARS_MAX),
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
