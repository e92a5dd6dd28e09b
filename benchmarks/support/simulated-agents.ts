/**
 * Many agents in one process, for the coordinator's sake: each with its own connection, heartbeats, watch of its assignment,
 * pulls, results and acknowledgements, by the node agent's own code. Only rendering is left out: a tile is done the moment
 * that it has a slot, with pixels that were encoded before.
 */
import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { type AssignedJob, Assignments } from '#node-agent/assignments.js';
import { startHeartbeat } from '#node-agent/heartbeat.js';
import { type Ended, publishOutcome } from '#node-agent/publish-outcome.js';
import { rendererLabel } from '#node-agent/renderers/registry.js';
import { SYNTHETIC_VERSION } from '#node-agent/renderers/synthetic/version.js';
import type { Ticket } from '#node-agent/ticket.js';
import { TileSource } from '#node-agent/tile-source.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { type JobId, nodeIdSchema } from '#shared/domain/ids.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { createLogger } from '#shared/log.js';

export interface SimulatedAgents extends AsyncDisposable {
  /** Results stored, of all agents. */
  readonly tilesDone: number;
}

export interface SimulatedAgentsOptions {
  readonly natsUrl: string;
  readonly prefix: string;
  readonly count: number;
  /** Of each. */
  readonly slots: number;
}

/** Connections that are opened or closed at a time. */
const AT_ONCE = 32;
/** What a tile is said to have taken: no reason to prefetch more than two per slot. */
const TOLD_MS = 10;
const RENDERER = { name: 'synthetic', version: SYNTHETIC_VERSION };

/** Resolves when all are connected and have said that they are there. */
export async function startSimulatedAgents(options: SimulatedAgentsOptions): Promise<SimulatedAgents> {
  const limit = pLimit(AT_ONCE);
  const tally = { tilesDone: 0 };
  const names = Array.from({ length: options.count }, (_, index) => `sim-${index + 1}`);
  const agents = await Promise.all(names.map((name) => limit(() => startAgent(name, options, tally))));
  return {
    get tilesDone() {
      return tally.tilesDone;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(agents.map((agent) => limit(() => agent.close())));
    },
  };
}

async function startAgent(name: string, options: SimulatedAgentsOptions, tally: { tilesDone: number }) {
  const { slots } = options;
  const nodeId = nodeIdSchema.parse(name);
  const logger = createLogger('simulated-agent', 'error').child({ nodeId });
  const bus = await connectBus(options.natsUrl, options.prefix, `guian-agent ${name}`);
  const gone = new AbortController();
  const node = { rendering: 0, done: 0 };
  let jobIds: readonly JobId[] = [];
  const pump = () => {
    while (node.rendering < source.renderingMax) {
      const ticket = source.take();
      if (!ticket) return;
      node.rendering++;
      // A slot is taken for one turn, as a thread's answer comes in another turn.
      setImmediate(() => void finish(ticket));
    }
  };
  const finish = async (ticket: Ticket) => {
    node.rendering--;
    source.rendered(ticket, TOLD_MS);
    pump();
    await store(bus, nodeId, ticket, gone.signal);
    source.acknowledge(ticket);
    node.done++;
    tally.tilesDone++;
  };
  const source: TileSource = new TileSource({
    ...{ bus, nodeId, slots, logger, flawOf: () => undefined },
    onTicket: (ticket) => {
      source.markReady(ticket);
      pump();
    },
    onDropped: () => undefined,
    onReleased: pump,
    hasBegun: () => true,
    isJudged: async () => true,
    mayBeginCapped: () => true,
    onCleared: () => heartbeat.beat(),
  });
  const onChange = (assigned: ReadonlyMap<JobId, AssignedJob>) => {
    for (const jobId of jobIds) if (!assigned.has(jobId)) source.closeJob(jobId);
    source.setStandings(assigned);
    for (const [jobId, { share, isFinishing }] of assigned) if (!isFinishing) source.openJob(jobId, share);
    jobIds = [...assigned.keys()];
    pump();
  };
  const assignments = new Assignments({ bus, nodeId, logger, onChange, onContact: () => undefined });
  const heartbeat = startHeartbeat({
    ...{ bus, nodeId, slots, logger, traits: { pools: [], tags: [], gpus: [] } },
    activity: () => ({
      ...{ slotsBusy: Math.min(node.rendering, slots), jobIds: [...jobIds], tilesDone: node.done },
      ...{ ...source.inHand(), draining: false, troubles: [], renderers: [RENDERER], sandbox: '' },
      assignmentRevision: assignments.revision,
    }),
    onAnswer: ({ over, taken }) => {
      source.drop(over, 'acknowledge');
      source.drop(taken, 'say nothing');
    },
  });
  await bus.connection.flush();
  const close = async () => {
    gone.abort();
    heartbeat.leave();
    await Promise.all([assignments[Symbol.asyncDispose](), source.close(0)]);
    source.dispose();
    await bus[Symbol.asyncDispose]();
  };
  return { close };
}

function store(
  bus: Bus,
  nodeId: ReturnType<typeof nodeIdSchema.parse>,
  { tile }: Ticket,
  signal: AbortSignal,
) {
  return publishOutcome(bus, nodeId, tile, outcomeOf(tile.region), signal);
}

const outcomes = new Map<string, Ended>();

/** Black pixels: nobody looks at them but the coordinator, which checks their digest and writes them. */
function outcomeOf(region: Region): Ended {
  const [widthPx, heightPx] = [regionWidthPx(region), regionHeightPx(region)];
  const key = `${widthPx}x${heightPx}`;
  let outcome = outcomes.get(key);
  if (!outcome) {
    const data = new Float32Array(4 * widthPx * heightPx);
    const bytes = encodeTile([{ name: 'beauty', data }], widthPx, heightPx);
    const digest = createHash('sha256').update(bytes).digest('hex');
    outcome = {
      ...{ kind: 'rendered', threadId: 0, renderer: rendererLabel(RENDERER), bytes, digest },
      ...{ renderMs: TOLD_MS, coreSeconds: TOLD_MS / 1000, peakMemoryBytes: 0 },
    };
    outcomes.set(key, outcome);
  }
  return outcome;
}
