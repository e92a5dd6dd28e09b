/** `guian node drain|resume NODE…`: takes machines out of the farm without losing a tile, and back. */
import type { Command } from 'commander';
import { FarmError } from '#shared/errors.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import { counted, humanDuration } from '../output/human.js';
import { printJson } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { farmCommand, type Options, withEach } from '../process/farm-command.js';
import { parseDuration } from '../process/flag-values.js';
import { interruptible } from '../process/interrupt.js';
import { pause } from '../process/pause.js';

const NODES = ['<node...>', 'node ids, as "guian nodes" shows them'] as const;
/** Agents speak every second; asking more often would tell nothing new. */
const ASK_EVERY_MS = 1_000;
const TIMEOUT_MS_MAX = 30 * 86_400_000;

export function drainCommand(): Command {
  return farmCommand<[string[]]>(
    'drain',
    'Gives nodes no more tiles; what they render is finished. It lasts over restarts, until "guian node resume".',
    {
      args: [NODES],
      flags: (command) =>
        command
          .option('--wait', 'stay until nothing renders there any more; Ctrl-C leaves them draining')
          .option('--timeout <time>', 'with --wait: give up after so long, with exit code 1, e.g. 30m'),
      examples: [
        ['node drain render-07', ''],
        [
          'node drain render-07 --wait --timeout 30m && ssh render-07 reboot',
          'exit code 1 if it still renders then',
        ],
      ],
      run: drain,
    },
  );
}

export function resumeNodeCommand(): Command {
  return farmCommand<[string[]]>('resume', 'Gives drained nodes work again.', {
    args: [NODES],
    examples: [['node resume render-07 render-08', '']],
    notes: 'A node that is quarantined is forgiven instead: guian node forgive NODE.',
    run: (farm, options, nodeIds) => setDrain(farm, options, nodeIds, false),
  });
}

async function drain(farm: CoordinatorClient, options: Options, nodeIds: readonly string[]): Promise<number> {
  const timeoutMs = parseDuration(options['timeout'], '--timeout', 1_000, TIMEOUT_MS_MAX);
  const isWaiting = options['wait'] === true;
  if (timeoutMs !== undefined && !isWaiting)
    throw new FarmError('USAGE_INVALID', '--timeout: it says how long --wait waits; give both');
  const told = new Map<string, string>();
  const exitCode = await setDrain(farm, options, nodeIds, true, told);
  if (!isWaiting || told.size === 0) return exitCode;
  return (await untilDrained(farm, told, timeoutMs, options['json'] === true)) || exitCode;
}

/** @param told  filled with the nodes that the farm knows, and what was printed of each. */
function setDrain(
  farm: CoordinatorClient,
  options: Options,
  nodeIds: readonly string[],
  drain: boolean,
  told = new Map<string, string>(),
): Promise<number> {
  return withEach(nodeIds, async (nodeId) => {
    const node = await call<Node__Output>(farm, (grpc, done) =>
      farm.nodes.set({ nodeId, drain, actor: actor() }, grpc, done),
    );
    const text = stateText(node);
    told.set(nodeId, text);
    if (options['json'] === true) printJson(node);
    else process.stdout.write(`${oneLine(text)}\n`);
  });
}

/** `node a is draining: 2 tiles still render` */
export function stateText({ nodeId, state, slotsBusy }: Node__Output): string {
  const tiles = `${counted(slotsBusy, 'tile')} still ${slotsBusy === 1 ? 'renders' : 'render'}`;
  return `node ${nodeId} is ${state}${state === 'draining' && slotsBusy > 0 ? `: ${tiles}` : ''}`;
}

/**
 * Tells each change until all are drained.
 * @param told  what was last printed of each node that is to be drained.
 * @returns the exit code: 1 when the time is up.
 */
async function untilDrained(
  farm: CoordinatorClient,
  told: Map<string, string>,
  timeoutMs: number | undefined,
  json: boolean,
): Promise<number> {
  using interrupt = interruptible('leaving; the nodes go on draining');
  const startedAtMs = Date.now();
  for (;;) {
    const { nodes } = await call<ListNodesResponse__Output>(farm, (grpc, done) =>
      farm.nodes.list({}, grpc, done),
    );
    const there = new Map(nodes.map((node) => [node.nodeId, node]));
    for (const [nodeId, before] of told) {
      const node = there.get(nodeId);
      const text = node ? stateText(node) : `node ${nodeId} is gone`;
      told.set(nodeId, text);
      if (text === before) continue;
      if (json) printJson(node ?? { nodeId, state: 'gone' });
      else process.stdout.write(`${oneLine(text)}\n`);
    }
    const left = [...told.keys()].filter((nodeId) => !isDrained(there.get(nodeId)));
    if (left.length === 0) return EXIT.done;
    if (timeoutMs !== undefined && Date.now() - startedAtMs >= timeoutMs) {
      const text = `${counted(left.length, 'node')} not drained after ${humanDuration(timeoutMs)}: ${left.join(', ')}`;
      process.stderr.write(`guian: ${oneLine(text)}\n`);
      return EXIT.renderFailed;
    }
    await pause(ASK_EVERY_MS, interrupt.signal);
  }
}

/** One that has been removed meanwhile renders nothing either; a lost one may merely be out of reach. */
function isDrained(node: Node__Output | undefined): boolean {
  return node === undefined || node.state === 'drained';
}
