/** `guian node forgive NODE`: one machine that renders. */
import { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import { printJson } from '../output/table.js';
import { oneLine } from '../process/exit-code.js';
import { addFarmFlags, connectFarm } from '../process/farm-flags.js';

type Options = Readonly<Record<string, unknown>>;

export function nodeCommand(): Command {
  return new Command('node').description('Acts on one machine that renders.').addCommand(forgiveCommand());
}

function forgiveCommand(): Command {
  const command = new Command('forgive')
    .description('Forgets what a node has failed: it is no longer blocked for any job, nor quarantined.')
    .argument('<node>', 'node id, as "guian nodes" shows it');
  return addFarmFlags(command).action(async (nodeId: string, options: Options) => {
    await using farm = connectFarm(options);
    const node = await call<Node__Output>(farm, (grpc, done) => farm.nodes.forgive({ nodeId }, grpc, done));
    if (options['json'] === true) printJson(node);
    else process.stdout.write(`${oneLine(`node ${node.nodeId} is forgiven; it is ${node.state}`)}\n`);
  });
}
