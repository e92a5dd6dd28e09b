/** A farm without agents: a real nats-server and a real coordinator, in this process or one of its own; the test renders. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningNatsServer, startNatsServer } from '#cli/farm/start-nats-server.js';
import { coordinatorConfig } from '#coordinator/config.js';
import { type CoordinatorConfig, type CoordinatorParts, runCoordinator } from '#coordinator/main.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { resolveConfig } from '#shared/config.js';
import type { LogLevel } from '#shared/log.js';
import { type CoordinatorClient, connectCoordinator } from '#shared/wire/coordinator-client.js';
import type { KillPoint } from './kill-points.js';

export interface CoordinatorFarm extends AsyncDisposable {
  readonly nats: RunningNatsServer;
  readonly bus: Bus;
  readonly config: CoordinatorConfig;
  /** Of the coordinator that runs now. */
  readonly client: CoordinatorClient;
  /** Of the coordinator that runs in this process, where `http` is set. */
  readonly httpAddress: string | undefined;
  start(parts?: CoordinatorParts): Promise<void>;
  /** Whether a coordinator runs: a test that fails may have left none. */
  readonly isUp: boolean;
  /** SIGKILL, then again on the same port; with its store, or with nothing. */
  restartNats(options?: { loseStore: boolean }): Promise<void>;
  close(): Promise<void>;
  /** Starts one as a child process, which kills itself at a point if so wanted. */
  startProcess(killAt?: KillPoint): Promise<void>;
  /** SIGKILL of the child process. */
  killProcess(): Promise<void>;
  /** Resolves when the child process has killed itself. */
  processGone(): Promise<void>;
  /** What child processes have logged, warnings and worse. */
  readonly processLog: string;
}

const PROCESS_ENTRY = fileURLToPath(new URL('./coordinator-process.js', import.meta.url));

/** @param options differ from the defaults; `storeDir` is inside the farm's own temporary folder where it is left out. */
export async function startCoordinatorFarm(
  options: Partial<CoordinatorConfig> = {},
): Promise<CoordinatorFarm> {
  const folder = await mkdtemp(join(tmpdir(), 'guian-coordinator-'));
  const jetstreamDir = join(folder, 'jetstream');
  let nats = await startNatsServer({ storeDir: jetstreamDir });
  const bus = await connectBus(nats.url, 'test', 'test');
  const config: CoordinatorConfig = {
    ...resolveConfig(coordinatorConfig, {}),
    listen: '127.0.0.1:0',
    natsUrl: nats.url,
    prefix: 'test',
    storeDir: join(folder, 'store'),
    logLevel: (process.env['GUIAN_TEST_LOG'] ?? 'silent') as LogLevel,
    ...options,
  };
  let closeCoordinator = async () => {};
  let isRunning = false;
  let child: ChildProcess | undefined;
  let processLog = '';
  let client: CoordinatorClient | undefined;
  let httpAddress: string | undefined;
  const connect = (address: string) => {
    client?.close();
    client = connectCoordinator(address);
  };
  const farm: CoordinatorFarm = {
    get nats() {
      return nats;
    },
    bus,
    config,
    get client() {
      return client!;
    },
    get httpAddress() {
      return httpAddress;
    },
    async restartNats({ loseStore } = { loseStore: false }) {
      nats.kill();
      await nats.exited;
      if (loseStore) await rm(jetstreamDir, { recursive: true });
      nats = await startNatsServer({ storeDir: jetstreamDir, port: nats.port });
    },
    async start(parts) {
      const running = await runCoordinator(config, parts);
      isRunning = true;
      closeCoordinator = () => running.close();
      httpAddress = running.httpAddress;
      connect(running.address);
    },
    get isUp() {
      return isRunning || child !== undefined;
    },
    async close() {
      await closeCoordinator();
      isRunning = false;
      closeCoordinator = async () => {};
    },
    get processLog() {
      return processLog;
    },
    async startProcess(killAt) {
      const args = [JSON.stringify({ ...config, logLevel: 'warn' }), killAt ?? ''];
      child = fork(PROCESS_ENTRY, args, { silent: true });
      for (const stream of [child.stdout, child.stderr])
        stream!.on('data', (data: Buffer) => {
          processLog += data.toString();
        });
      // Comes behind every message, also of one that has killed itself since.
      const tooSoon = once(child, 'disconnect').then(() => {
        throw new Error(`the coordinator ended before it was ready: ${processLog}`);
      });
      tooSoon.catch(() => undefined);
      const [message] = (await Promise.race([once(child, 'message'), tooSoon])) as [{ address: string }];
      connect(message.address);
    },
    async processGone() {
      if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
      child = undefined;
    },
    async killProcess() {
      child?.kill('SIGKILL');
      await farm.processGone();
    },
    async [Symbol.asyncDispose]() {
      client?.close();
      await farm.killProcess();
      await farm.close();
      await bus[Symbol.asyncDispose]();
      await nats.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return farm;
}
