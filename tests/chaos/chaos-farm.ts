/**
 * The farm under chaos: a real nats-server, a coordinator and agents, each a process that faults can be done to, and a
 * breakable link to the server in front of each of them. Everything of it lies in one folder.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#cli/farm/free-port.js';
import { NO_PROGRAMS } from '#tests/support/no-programs.js';
import type { Fault } from './fault-plan.js';
import type { Journal } from './journal.js';
import { type Link, startLink } from './link.js';
import { type Ending, Part, startGuianPart, startNatsPart } from './part.js';

export const PREFIX = 'chaos';
/** In the environment of every process of a run, and of whatever they start: nothing of it may be left. */
export const MARK = 'CHAOS_RUN_ID';

export interface ChaosFarm {
  readonly folder: string;
  readonly storeDir: string;
  readonly cacheDir: string;
  /** The TMPDIR of every process. */
  readonly tmpDir: string;
  readonly natsUrl: string;
  readonly coordinatorAddress: string;
  readonly coordinator: Part;
  readonly agents: readonly Part[];
  readonly parts: readonly Part[];
  /** Does it, or has begun to. @returns false when the target is away. */
  inflict(fault: Fault): boolean;
  /** Resolves when no link is broken any more. */
  healed(): Promise<void>;
  /** Agents, coordinator, nats-server, each with SIGTERM. @returns how they ended, by name. */
  shutDown(): Promise<ReadonlyMap<string, Ending | undefined>>;
  /** SIGKILL to all. Resolves when they are gone. */
  destroy(): Promise<void>;
  removeFolder(): Promise<void>;
}

const SHUT_DOWN_MS = 40_000;

export async function startChaosFarm(options: {
  readonly agents: number;
  readonly journal: Journal;
  /** Called when its folder is there and nothing runs yet. */
  readonly onFolder: (farm: ChaosFarm) => void;
}): Promise<ChaosFarm> {
  const { journal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'guian-chaos-'));
  const at = (...names: string[]) => join(folder, ...names);
  for (const name of ['logs', 'tmp', 'scenes']) await mkdir(at(name));
  process.env[MARK] = folder;
  process.env['TMPDIR'] = at('tmp');
  const log = (name: string) => at('logs', `${name}.log`);
  const [natsPort, grpcPort] = [await freePort(), await freePort()];
  const coordinatorAddress = `127.0.0.1:${grpcPort}`;

  const nats = new Part('nats-server', log('nats-server'), journal, () =>
    startNatsPart({ storeDir: at('jetstream'), logFile: log('nats-server'), port: natsPort }),
  );
  const links = new Map<string, Link>();
  const common = (name: string) => [
    '--nats',
    links.get(name)!.url,
    '--prefix',
    PREFIX,
    '--log-level',
    'info',
  ];
  const coordinator = new Part('coordinator', log('coordinator'), journal, () =>
    startGuianPart(
      ['coordinator', '--listen', coordinatorAddress, '--store', at('store'), ...common('coordinator')],
      log('coordinator'),
    ),
  );
  const agents = Array.from({ length: options.agents }, (_, index) => {
    const name = `agent-${index + 1}`;
    const own = [
      '--node-id',
      name,
      '--slots',
      '1',
      '--cache',
      at('cache'),
      '--coordinator',
      coordinatorAddress,
    ];
    return new Part(name, log(name), journal, () =>
      startGuianPart(['agent', ...own, ...NO_PROGRAMS, ...common(name)], log(name)),
    );
  });
  for (const { name } of [coordinator, ...agents]) links.set(name, await startLink(natsPort));
  const parts = [...agents, coordinator, nats];
  const broken = new Set<Promise<void>>();

  const breakLink = ({ kind, target, forMs }: Fault): boolean => {
    const link = links.get(target)!;
    const outage = journal.begun(target, kind);
    const healing = (kind.endsWith('-cut') ? link.cut(forMs) : link.stall(forMs)).then(() => {
      journal.over(outage);
      broken.delete(healing);
    });
    broken.add(healing);
    return true;
  };
  const farm: ChaosFarm = {
    folder,
    storeDir: at('store'),
    cacheDir: at('cache'),
    tmpDir: at('tmp'),
    natsUrl: `nats://127.0.0.1:${natsPort}`,
    coordinatorAddress,
    coordinator,
    agents,
    parts,
    inflict(fault) {
      const part = parts.find(({ name }) => name === fault.target);
      if (!part) return false;
      if (fault.kind.endsWith('-kill')) return part.kill(fault.forMs);
      if (fault.kind.endsWith('-stop')) return part.suspend(fault.forMs);
      if (fault.kind.endsWith('-drain')) return part.drain(fault.forMs);
      return breakLink(fault);
    },
    async healed() {
      while (broken.size > 0) await Promise.all(broken);
    },
    async shutDown() {
      const endings = new Map<string, Ending | undefined>();
      const end = async (part: Part) => endings.set(part.name, await part.shutDown(SHUT_DOWN_MS));
      await Promise.all(agents.map(end));
      await end(coordinator);
      await end(nats);
      for (const link of links.values()) await link[Symbol.asyncDispose]();
      return endings;
    },
    async destroy() {
      await Promise.all(parts.map((part) => part.destroy()));
    },
    removeFolder: () => rm(folder, { recursive: true, force: true }),
  };
  options.onFolder(farm);
  await nats.start();
  await coordinator.start();
  await Promise.all(agents.map((agent) => agent.start()));
  return farm;
}
