/** `guian up`: a farm on this machine that stays, with its store in the data folder; Ctrl-C stops it, jobs go on next time. */
import { join } from 'node:path';
import { Command } from 'commander';
import { coordinatorConfig, dataFolder } from '#coordinator/config.js';
import { agentConfig } from '#node-agent/config.js';
import { isLoopback, resolveConfig } from '#shared/config.js';
import { startFarm } from '../farm/embedded-farm.js';
import { ensureNatsServer } from '../farm/ensure-nats-server.js';
import { printJson } from '../output/table.js';
import { InterruptedError } from '../process/exit-code.js';
import { interruptible } from '../process/interrupt.js';
import { parseSlots } from '../process/slots-flag.js';

type Options = Readonly<Record<string, unknown>>;

export function upCommand(): Command {
  return new Command('up')
    .description('Keeps a farm running on this machine: nats-server, coordinator, agents. Ctrl-C stops it.')
    .option('--slots <n>', 'tiles rendered at the same time by each agent (default: number of cores)')
    .option('--agents <n>', 'agents (default: 1)')
    .option('--pools <names>', 'pools that the agents are in (GUIAN_POOLS)')
    .option('--tags <names>', 'what the agents have that jobs may ask for (GUIAN_TAGS)')
    .option('--gpus <kinds>', 'GPUs of this machine, e.g. 2x24G (GUIAN_GPUS)')
    .option('--listen <host:port>', 'where gRPC is served (GUIAN_LISTEN; default: 127.0.0.1:7700)')
    .option('--store <dir>', 'where everything is kept (default: ~/.local/share/guian/farm)')
    .option('--nats <url>', 'use this nats-server instead of starting one')
    .option('--json', 'print the ready line as JSON')
    .action((options: Options) => up(options));
}

async function up(options: Options): Promise<void> {
  const slots = parseSlots(options['slots']);
  const agents = parseSlots(options['agents'], '--agents') ?? 1;
  const flags = { listen: options['listen'], natsUrl: options['nats'] };
  const { listen } = resolveConfig(coordinatorConfig, { flags, env: process.env });
  const { pools, tags, gpus } = options;
  const { cacheDir } = resolveConfig(agentConfig, { flags: { pools, tags, gpus }, env: process.env });
  const agentFlags = Object.entries({ '--pools': pools, '--tags': tags, '--gpus': gpus }).flatMap(
    ([flag, value]) => (value === undefined ? [] : [flag, String(value)]),
  );
  const dir = String(options['store'] ?? join(dataFolder(process.env), 'farm'));
  using interrupt = interruptible('stopping the farm (Ctrl-C again: at once) …');
  if (flags.natsUrl === undefined) await ensureNatsServer();
  await using farm = await startFarm({
    dir,
    agents,
    agentFlags,
    listen,
    cacheDir,
    onStarted: (kill) => interrupt.onSecond(kill),
    ...(slots !== undefined && { slots }),
    ...(flags.natsUrl !== undefined && { natsUrl: String(flags.natsUrl) }),
  });
  const address = farm.coordinatorAddress;
  if (options['json'] === true)
    printJson({ ready: true, address, natsUrl: farm.natsUrl, dir, pids: farm.pids() });
  else process.stdout.write(welcome(address, farm.natsUrl, dir));
  if (!isLoopback(address)) {
    process.stderr.write(
      `guian: warning: ${address} can be reached from other machines, and this version asks for no password; use it in a trusted network only\n`,
    );
  }
  await Promise.race([farm.failed, aborted(interrupt.signal)]);
}

/** Resolves at Ctrl-C: for a farm that is to stay, being stopped is how it ends well. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      if (!(signal.reason instanceof InterruptedError)) throw signal.reason;
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

function welcome(address: string, natsUrl: string, dir: string): string {
  const flag = address === '127.0.0.1:7700' ? '' : ` --coordinator ${address}`;
  return `A farm is running on this machine.

  coordinator  ${address}
  NATS         ${natsUrl}
  kept in      ${dir}

In another terminal:
  guian submit scene.glb${flag}          hand it a scene; prints the job id
  guian jobs${flag}                      what it is doing
  guian job watch ID${flag}              follow one job
  guian frames ID --out frames${flag}    fetch the pictures
  guian nodes${flag}                     who renders

Another agent: guian agent --node-id NAME --nats ${natsUrl} --coordinator ${address}
Ctrl-C stops the farm; unfinished jobs go on at the next start.
`;
}
