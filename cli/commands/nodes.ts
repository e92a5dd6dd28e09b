/** `guian nodes`: the machines that render. */
import { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import { counted, humanBytes, humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { oneLine } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';

/** A column: its header, and what it says of a node. */
type Column = readonly [header: string, cell: (node: Node__Output, nowMs: number) => string];

const COLUMNS: readonly Column[] = [
  ['NODE', (node) => node.nodeId],
  ['STATE', (node) => node.state],
  ['SLOTS', (node) => `${node.slotsBusy}/${node.slots}`],
  ['ASSIGNED', (node) => String(node.assigned.reduce((sum, { slots }) => sum + slots, 0))],
  ['POOLS', (node) => node.pools.join(',')],
  ['TAGS', (node) => node.tags.join(',')],
  ['CORES', (node) => String(node.cores)],
  ['MEMORY', (node) => `${humanBytes(node.memoryUsedBytes)} / ${humanBytes(node.memoryBytes)}`],
  ['RENDERERS', (node) => releasesOf(node).join(', ')],
  ['JOBS', (node) => String(node.jobIds.length)],
  ['TILES', (node) => String(node.tilesDone)],
  ['SEEN', (node, nowMs) => `${humanDuration(nowMs - node.lastHeartbeatAtMs)} ago`],
  ['UP', (node, nowMs) => humanDuration(nowMs - node.startedAtMs)],
];
/** Shown only where a node has any. */
const IF_ANY: ReadonlySet<string> = new Set(['POOLS', 'TAGS']);
const WIDE_COLUMNS: readonly Column[] = [
  [
    'GPUS',
    (node) => node.gpus.map(({ name, memoryBytes }) => `${name} ${humanBytes(memoryBytes)}`).join(', '),
  ],
  ['SANDBOX', (node) => node.sandbox],
  ['WORKS FOR', (node) => node.assigned.map(({ jobId, slots }) => `${jobId}:${slots}`).join(',')],
  ['HOST', (node) => node.hostName],
  ['AGENT', (node) => node.agentVersion],
  ['VERSIONS', (node) => node.renderers.map(({ name, version }) => `${name} ${version}`).join(', ')],
];
/** Lines about one node below the table; `--json` has them all. */
const NOTES_PER_NODE_MAX = 5;

export function nodesCommand(): Command {
  const command = new Command('nodes').description(
    'Lists the machines that render, and below them why any of them renders less than it could.',
  );
  command.option(
    '--wide',
    'also whole versions of renderers, GPUs, how the scenes of others are kept in, slots by job, host names and versions of the agents',
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

/** Without build, kernel and what else a version text names: `blender 3.4.1 (2 versions)`. */
function releasesOf({ renderers }: Node__Output): string[] {
  const counts = new Map<string, number>();
  for (const { name, version } of renderers) {
    const release = `${name} ${version.replace(`${name} `, '').split('+')[0]}`;
    counts.set(release, (counts.get(release) ?? 0) + 1);
  }
  return [...counts].map(([release, count]) => (count === 1 ? release : `${release} (${count} versions)`));
}

/** The table, and one line for each thing that keeps a node from work. */
export function nodesText(nodes: readonly Node__Output[], nowMs: number, isWide = false): string {
  const notes = nodes.flatMap((node) => notesOf(node, nowMs).map((note) => `${node.nodeId}: ${note}`));
  const lines = notes.map((note) => `${oneLine(note)}\n`).join('');
  const isShown = ([header, cell]: Column) =>
    !IF_ANY.has(header) || nodes.some((node) => cell(node, nowMs) !== '');
  const columns = [...COLUMNS, ...(isWide ? WIDE_COLUMNS : [])].filter(isShown);
  const rows = nodes.map((node) => columns.map(([, cell]) => cell(node, nowMs) || '-'));
  return `${table(
    columns.map(([header]) => header),
    rows,
  )}${lines === '' ? '' : `\n${lines}`}`;
}

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
