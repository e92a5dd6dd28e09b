/** `guian nodes`: the machines that render. */
import { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import { humanBytes, humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';

const HEADER = ['NODE', 'STATE', 'SLOTS', 'CORES', 'MEMORY', 'RENDERERS', 'JOBS', 'TILES', 'SEEN', 'UP'];

export function nodesCommand(): Command {
  const command = new Command('nodes').description('Lists the machines that render.');
  return addFarmFlags(command).action(async (options: Readonly<Record<string, unknown>>) => {
    await using farm = connectFarm(options);
    const { nodes } = await call<ListNodesResponse__Output>(farm, (grpc, done) =>
      farm.nodes.list({}, grpc, done),
    );
    if (options['json'] === true) printJson(nodes);
    else process.stdout.write(table(HEADER, nodes.map(row)));
  });
}

function row(node: Node__Output): string[] {
  return [
    node.nodeId,
    node.state,
    `${node.slotsBusy}/${node.slots}`,
    String(node.cores),
    `${humanBytes(node.memoryUsedBytes)} / ${humanBytes(node.memoryBytes)}`,
    node.renderers.map((renderer) => `${renderer.name} ${renderer.version}`).join(', '),
    String(node.jobIds.length),
    String(node.tilesDone),
    `${humanDuration(Date.now() - node.lastHeartbeatAtMs)} ago`,
    humanDuration(Date.now() - node.startedAtMs),
  ];
}
