/** `guian node …`: acts on machines that render. */
import type { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import type { RemoveNodeResponse__Output } from '#shared/wire/generated/guian/v1/RemoveNodeResponse.js';
import { printJson } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { commandGroup, farmCommand, withEach } from '../process/farm-command.js';
import { drainCommand, resumeNodeCommand } from './node-drain.js';
import { nodeNamesCommand } from './node-names.js';
import { whyNodeCommand } from './node-why.js';

export function nodeCommand(): Command {
  return commandGroup('node', 'Acts on machines that render.', [
    drainCommand(),
    resumeNodeCommand(),
    nodeNamesCommand('tag'),
    nodeNamesCommand('pool'),
    whyNodeCommand(),
    forgiveCommand(),
    removeCommand(),
  ]);
}

function forgiveCommand(): Command {
  return farmCommand<[string]>(
    'forgive',
    'Forgets what a node has failed: it is no longer blocked for any job, nor quarantined.',
    {
      args: [['<node>', 'node id, as "guian nodes" shows it']],
      examples: [['node forgive render-07', 'once it is mended']],
      run: async (farm, options, nodeId) => {
        const node = await call<Node__Output>(farm, (grpc, done) =>
          farm.nodes.forgive({ nodeId }, grpc, done),
        );
        if (options['json'] === true) printJson(node);
        else process.stdout.write(`${oneLine(`node ${node.nodeId} is forgiven; it is ${node.state}`)}\n`);
        return EXIT.done;
      },
    },
  );
}

function removeCommand(): Command {
  return farmCommand<[string[]]>(
    'remove',
    'Forgets nodes that are lost for good, and what was set for them. One that is there is not removed.',
    {
      args: [['<node...>', 'node ids, as "guian nodes" shows them']],
      examples: [['node remove render-07', 'after its agent has been stopped']],
      run: (farm, options, nodeIds) =>
        withEach(nodeIds, async (nodeId) => {
          await call<RemoveNodeResponse__Output>(farm, (grpc, done) =>
            farm.nodes.remove({ nodeId, actor: actor() }, grpc, done),
          );
          if (options['json'] === true) printJson({ removed: nodeId });
          else process.stdout.write(`${oneLine(`node ${nodeId} is forgotten`)}\n`);
        }),
    },
  );
}
