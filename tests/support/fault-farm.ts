/**
 * A farm to be broken: nats-server, coordinator and agents as processes, the real programs, each connected to the server
 * through a link of its own that a test controls. Nothing is started again by itself unless a test asks for it.
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FarmPart } from '#cli/farm/farm-part.js';
import { freePort } from '#cli/farm/free-port.js';
import { type RunningNatsServer, startNatsServer } from '#cli/farm/start-nats-server.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { type CoordinatorClient, connectCoordinator } from '#shared/wire/coordinator-client.js';
import { farmCalls } from './farm-calls.js';
import { type LinkFilter, startTcpProxy, type TcpProxy } from './tcp-proxy.js';

const PREFIX = 'test';

export interface FaultFarm extends AsyncDisposable {
  /** The server that runs now, or ran last. */
  readonly nats: RunningNatsServer;
  /** The test's own connection, past all links. */
  readonly bus: Bus;
  readonly client: CoordinatorClient;
  readonly studio: ReturnType<typeof farmCalls>;
  readonly coordinator: FarmPart;
  readonly coordinatorLink: TcpProxy;
  readonly storeDir: string;
  startAgent(name: string, options?: FaultAgentOptions): Promise<FaultAgent>;
  /** SIGKILL at once; `downMs` after it is gone it is started again on the same port and store. Resolves when it is ready. */
  crashNats(downMs: number): Promise<void>;
  /** What a part has logged so far. */
  logOf(part: FarmPart): string;
}

export interface FaultAgentOptions {
  /** Default 1. */
  readonly slots?: number;
  /** Default: its name. */
  readonly nodeId?: string;
  readonly filter?: LinkFilter;
  /** Further arguments of its command. */
  readonly args?: readonly string[];
}

export interface FaultAgent {
  readonly nodeId: string;
  readonly part: FarmPart;
  readonly link: TcpProxy;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP. */
  suspend(): void;
  /** SIGCONT. */
  resume(): void;
}

/** Without agents. */
export async function startFaultFarm(): Promise<FaultFarm> {
  const folder = await mkdtemp(join(tmpdir(), 'guian-fault-'));
  const path = (name: string): string => join(folder, name);
  await mkdir(path('logs'));
  const port = await freePort();
  let nats = await startNatsServer({ storeDir: path('jetstream'), port });
  const bus = await connectBus(nats.url, PREFIX, 'test');
  const coordinatorLink = await startTcpProxy(port);
  const links = [coordinatorLink];
  const parts: FarmPart[] = [];
  const address = `127.0.0.1:${await freePort()}`;
  const startPart = async (name: string, link: TcpProxy, args: () => readonly string[]) => {
    const part = new FarmPart({
      name,
      logFile: join(folder, 'logs', `${parts.length}-${name}.log`),
      args: () => [...args(), '--nats', urlOf(link), '--prefix', PREFIX, '--log-level', 'info'],
      onNotice: () => undefined,
      onFailure: (error) => process.stderr.write(`${error.message}\n`),
    });
    parts.push(part);
    await part.start();
    return part;
  };
  const coordinator = await startPart('coordinator', coordinatorLink, () => [
    ...['coordinator', '--listen', address, '--store', path('store')],
  ]);
  const client = connectCoordinator(address);
  const studio = farmCalls({ client, bus });
  return {
    get nats() {
      return nats;
    },
    ...{ bus, client, studio, coordinator, coordinatorLink, storeDir: path('store') },
    async startAgent(name, { slots = 1, nodeId = name, filter, args = [] } = {}) {
      const link = await startTcpProxy(port, filter);
      links.push(link);
      const part = await startPart(name, link, () => [
        ...['agent', '--node-id', nodeId, '--slots', String(slots)],
        ...['--coordinator', address, '--cache', path(`cache-${name}`), ...args],
      ]);
      return agentOf(part, nodeId, link);
    },
    async crashNats(downMs) {
      nats.kill();
      await nats.exited;
      await delay(downMs);
      nats = await startNatsServer({ storeDir: path('jetstream'), port });
    },
    logOf: (part) => readFileSync(part.logFile, 'utf8'),
    async [Symbol.asyncDispose]() {
      client.close();
      await Promise.all(parts.map(killPart));
      for (const link of links) await link[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
      await nats.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const urlOf = ({ port }: TcpProxy): string => `nats://127.0.0.1:${port}`;

async function killPart(part: FarmPart): Promise<void> {
  part.kill();
  await part.stop();
}

function agentOf(part: FarmPart, nodeId: string, link: TcpProxy): FaultAgent {
  return {
    ...{ nodeId, part, link },
    kill: () => killPart(part),
    suspend: () => void process.kill(part.pid!, 'SIGSTOP'),
    resume: () => void process.kill(part.pid!, 'SIGCONT'),
  };
}
