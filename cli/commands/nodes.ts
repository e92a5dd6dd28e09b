/** `guian nodes`: the machines that render. */
import { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import { counted, humanBytes, humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { oneLine } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';

const HEADER = ['NODE', 'STATE', 'SLOTS', 'CORES', 'MEMORY', 'RENDERERS', 'JOBS', 'TILES', 'SEEN', 'UP'];
const WIDE_HEADER = [...HEADER, 'SANDBOX', 'HOST', 'AGENT'];
/** Lines about one node below the table; `--json` has them all. */
const NOTES_PER_NODE_MAX = 5;

export function nodesCommand(): Command {
  const command = new Command('nodes').description(
    'Lists the machines that render, and below them why any of them renders less than it could.',
  );
  command.option(
    '--wide',
    'also how the scenes of others are kept in, host names and versions of the agents',
  );
  return addFarmFlags(command).action(async (options: Readonly<Record<string, unknown>>) => {
    await using farm = connectFarm(options);
    const { nodes } = await call<ListNodesResponse__Output>(farm, (grpc, done) =>
      farm.nodes.list({}, grpc, done),
    );
    if (options['json'] === true) printJson(nodes);
    else process.stdout.write(nodesText(nodes, Date.now(), options['wide'] === true));
  });
}

/** The table, and one line for each thing that keeps a node from work. */
export function nodesText(nodes: readonly Node__Output[], nowMs: number, isWide = false): string {
  const notes = nodes.flatMap((node) => notesOf(node, nowMs).map((note) => `${node.nodeId}: ${note}`));
  const lines = notes.map((note) => `${oneLine(note)}\n`).join('');
  const rows = nodes.map((node) => (isWide ? [...row(node, nowMs), ...wideCells(node)] : row(node, nowMs)));
  return `${table(isWide ? WIDE_HEADER : HEADER, rows)}${lines === '' ? '' : `\n${lines}`}`;
}

function row(node: Node__Output, nowMs: number): string[] {
  return [
    node.nodeId,
    node.state,
    `${node.slotsBusy}/${node.slots}`,
    String(node.cores),
    `${humanBytes(node.memoryUsedBytes)} / ${humanBytes(node.memoryBytes)}`,
    node.renderers.map((renderer) => `${renderer.name} ${renderer.version}`).join(', '),
    String(node.jobIds.length),
    String(node.tilesDone),
    `${humanDuration(nowMs - node.lastHeartbeatAtMs)} ago`,
    humanDuration(nowMs - node.startedAtMs),
  ];
}

const wideCells = ({ sandbox, hostName, agentVersion }: Node__Output): string[] => [
  sandbox || '-',
  hostName,
  agentVersion,
];

function notesOf({ nodeId, state, reason, blockedJobs, troubles }: Node__Output, nowMs: number): string[] {
  const blocks = blockedJobs.map(
    ({ jobId, failures, untilMs }) =>
      `blocked for job ${jobId}: it failed ${counted(failures, 'tile')}; for ${humanDuration(untilMs - nowMs)} if it fails no more`,
  );
  const notes = [...(reason ? [`${state}: ${reason}`] : []), ...blocks, ...troubles];
  const shown = notes.slice(0, NOTES_PER_NODE_MAX);
  if (notes.length > shown.length) shown.push(`and ${notes.length - shown.length} more: guian nodes --json`);
  if (state === 'quarantined' || blocks.length > 0)
    shown.push(`once it is mended: guian node forgive ${nodeId}`);
  return shown;
}
