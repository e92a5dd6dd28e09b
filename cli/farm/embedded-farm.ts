/**
 * A farm on this machine: nats-server, coordinator and agents as children, the same programs as in a real farm. In a
 * temporary folder that goes with it (`guian render`), or in a folder that stays (`guian up`). Whatever dies is started
 * again; when this process dies, however, all of it ends.
 */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { slug } from '#shared/domain/ids.js';
import type { FarmError } from '#shared/errors.js';
import type { LogLevel } from '#shared/log.js';
import { makeFarmFolder, removeFarmFolder } from './farm-folder.js';
import { FarmPart } from './farm-part.js';
import { withFreePort } from './free-port.js';
import { NatsPart } from './nats-part.js';

export interface FarmOptions {
  /** Slots of each agent; default: one per core. */
  readonly slots?: number;
  /** Agents; default 1. */
  readonly agents?: number;
  /** More settings of the agents, as flags. */
  readonly agentFlags?: readonly string[];
  /** Stays after stop(); default: a temporary folder. */
  readonly dir?: string;
  /** Default: a free loopback port. */
  readonly listen?: string;
  /** An existing server instead of a child. */
  readonly natsUrl?: string;
  readonly prefix?: string;
  /** Default: `cache` inside the folder. */
  readonly cacheDir?: string;
  /** Default: `store` inside the folder. */
  readonly storeDir?: string;
  readonly logLevel?: LogLevel;
  /** Scenes of this studio may run the scripts inside them; default: as GUIAN_ALLOW_SCRIPTS has it. */
  readonly scriptStudio?: string;
  /**
   * What tiles in work may still take when the farm stops; default 5 s. Somebody waits for a farm on their own machine:
   * what is not done by then is rendered again at the next start, or not needed any more.
   */
  readonly graceMs?: number;
  /** Resolve when the agents are ready too (default), or as soon as the coordinator takes jobs. */
  readonly waitForAgents?: boolean;
  /** Called before the first part starts, with what kills them all: for a second Ctrl-C during the start. */
  readonly onStarted?: (kill: () => void) => void;
  /** News such as a part that was started again; default: a line on stderr. */
  readonly onNotice?: (line: string) => void;
}

export interface Farm extends AsyncDisposable {
  readonly coordinatorAddress: string;
  readonly natsUrl: string;
  /** Holds store, JetStream, cache and logs. */
  readonly dir: string;
  readonly coordinator: FarmPart;
  readonly agents: readonly FarmPart[];
  /** Absent with `natsUrl`. */
  readonly nats: NatsPart | undefined;
  /** Rejects when a part cannot be kept running; never resolves. */
  readonly failed: Promise<never>;
  /** Process ids of every part that runs. */
  pids(): number[];
  /** Graceful: agents, coordinator, nats-server; then the temporary folder goes. */
  stop(): Promise<void>;
  /** SIGKILL to all parts; the temporary folder goes at once. */
  kill(): void;
}

const GRACE_MS = 5_000;
/** For an agent: pulls that are out, a server that is away, threads that do not heed. */
const STOP_MS_BEYOND_GRACE = 10_000;

/** @throws TOOL_MISSING without nats-server; what a part reported when it cannot start. Leaves nothing behind then. */
export async function startFarm(options: FarmOptions = {}): Promise<Farm> {
  const dir = options.dir ?? (await makeFarmFolder());
  for (const folder of [dir, join(dir, 'logs')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  let fail: (error: FarmError) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Whoever waits on the farm sees it; a farm that nobody waits on must not end the process.
  failed.catch(() => undefined);
  const onNotice = options.onNotice ?? ((line: string) => process.stderr.write(`guian: ${line}\n`));
  const hooks = { onNotice, onFailure: (error: FarmError) => fail(error) };
  const plan = farmParts(dir, options, hooks);
  const farm: Farm = {
    get coordinatorAddress() {
      return plan.addresses.coordinator;
    },
    get natsUrl() {
      return plan.addresses.nats;
    },
    dir,
    coordinator: plan.coordinator,
    agents: plan.agents,
    nats: plan.nats,
    failed,
    pids: () => plan.all.flatMap((part) => part.pid ?? []),
    async stop() {
      await Promise.all(plan.agents.map((agent) => agent.stop()));
      await plan.coordinator.stop();
      await plan.nats?.stop();
      if (options.dir === undefined) removeFarmFolder(dir);
    },
    kill() {
      for (const part of plan.all) part.kill();
      if (options.dir === undefined) removeFarmFolder(dir);
    },
    [Symbol.asyncDispose]: () => farm.stop(),
  };
  try {
    options.onStarted?.(() => farm.kill());
    await plan.nats?.start();
    if (plan.nats) plan.addresses.nats = plan.nats.url;
    plan.addresses.coordinator = await startOnFreePort(plan.coordinator, plan.addresses);
    const agentsReady = Promise.all(plan.agents.map((agent) => agent.start()));
    if (options.waitForAgents === false) agentsReady.catch(hooks.onFailure);
    else await agentsReady;
    return farm;
  } catch (error) {
    for (const part of plan.all) part.kill();
    await farm.stop();
    throw error;
  }
}

interface Hooks {
  readonly onNotice: (line: string) => void;
  readonly onFailure: (error: FarmError) => void;
}

/** The parts, not yet started. `addresses` is filled in as they come up, and read by those that start later. */
function farmParts(dir: string, options: FarmOptions, hooks: Hooks) {
  const addresses = { nats: options.natsUrl ?? '', coordinator: options.listen ?? '127.0.0.1:0' };
  const logFile = (name: string): string => join(dir, 'logs', `${name}.log`);
  const common = (): string[] => [
    ...['--nats', addresses.nats, '--prefix', options.prefix ?? 'guian'],
    ...['--log-level', options.logLevel ?? 'info'],
  ];
  const nats =
    options.natsUrl === undefined
      ? new NatsPart({ ...hooks, storeDir: join(dir, 'jetstream'), logFile: logFile('nats-server') })
      : undefined;
  const coordinator = new FarmPart({
    ...hooks,
    name: 'coordinator',
    logFile: logFile('coordinator'),
    args: () => {
      const store = options.storeDir ?? join(dir, 'store');
      const scripts = options.scriptStudio === undefined ? [] : ['--allow-scripts', options.scriptStudio];
      // GUIAN_HTTP is meant for a farm that stays, which may run beside this one and has that port.
      const http = options.dir === undefined ? ['--http', 'none'] : [];
      const listen = ['--listen', addresses.coordinator, ...http];
      return ['coordinator', ...listen, '--store', store, ...scripts, ...common()];
    },
  });
  const count = options.agents ?? 1;
  const graceMs = options.graceMs ?? GRACE_MS;
  const agents = Array.from({ length: count }, (_, index) => {
    const nodeId = `${slug(hostname())}${count > 1 ? `-${index + 1}` : ''}`;
    const cache = join(options.cacheDir ?? join(dir, 'cache'), count > 1 ? nodeId : '');
    return new FarmPart({
      ...hooks,
      name: `agent ${nodeId}`,
      stopMsMax: graceMs + STOP_MS_BEYOND_GRACE,
      logFile: logFile(`agent-${nodeId}`),
      args: () => [
        ...['agent', '--node-id', nodeId, '--coordinator', reachable(addresses.coordinator)],
        ...['--cache', cache, '--grace', `${graceMs}ms`, ...common()],
        ...(options.slots === undefined ? [] : ['--slots', String(options.slots)]),
        // An agent that leaves would be started again: this farm stays as long as whoever started it.
        ...['--exit-when-idle', '0s', ...(options.agentFlags ?? [])],
      ],
    });
  });
  const all: readonly (FarmPart | NatsPart)[] = [...agents, coordinator, ...(nats ? [nats] : [])];
  return { addresses, nats, coordinator, agents, all };
}

/** @returns the address on which it serves, and will again when it comes back. */
async function startOnFreePort(coordinator: FarmPart, addresses: { coordinator: string }): Promise<string> {
  const wanted = addresses.coordinator;
  if (!wanted.endsWith(':0')) return String((await coordinator.start())['address']);
  return await withFreePort(async (port) => {
    addresses.coordinator = wanted.replace(/0$/, String(port));
    return String((await coordinator.start())['address']);
  });
}

/** A coordinator that listens on every interface is reached on this machine by loopback. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:');
}
