/** `guian node why NODE`: what a node works on, and what keeps it from working for every other job. */
import type { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { JobOnNode__Output } from '#shared/wire/generated/guian/v1/JobOnNode.js';
import type { WhyNodeResponse__Output } from '#shared/wire/generated/guian/v1/WhyNodeResponse.js';
import { printJson, table } from '../output/table.js';
import { waitLines } from '../output/waits.js';
import { EXIT } from '../process/exit-code.js';
import { farmCommand } from '../process/farm-command.js';

export function whyNodeCommand(): Command {
  return farmCommand<[string]>(
    'why',
    'Says which jobs a node works for, and of every other running job why it does not.',
    {
      args: [['<node>', 'node id, as "guian nodes" shows it']],
      examples: [['node why render-07', '']],
      run: async (farm, options, nodeId) => {
        const why = await call<WhyNodeResponse__Output>(farm, (grpc, done) =>
          farm.nodes.why({ nodeId }, grpc, done),
        );
        if (options['json'] === true) printJson(why);
        else process.stdout.write(whyNodeText(why));
        return EXIT.done;
      },
    },
  );
}

export function whyNodeText({ nodeId, state, slots, slotsBusy, jobs }: WhyNodeResponse__Output): string {
  const head = `node ${nodeId} is ${state}: ${slotsBusy} of ${slots} slots busy\n`;
  if (jobs.length === 0) return `${head}no job is running\n`;
  // Those that it works for first.
  const sorted = [...jobs].sort((a, b) => b.slots - a.slots || (a.jobId < b.jobId ? -1 : 1));
  return `${head}\n${table(['JOB', 'SLOTS', 'WHY'], sorted.flatMap(rows))}`;
}

function rows({ jobId, slots, waits }: JobOnNode__Output): string[][] {
  const [first = slots > 0 ? 'it works for it' : 'it would, with a free slot', ...others] = waitLines(waits);
  return [[jobId, String(slots), first], ...others.map((line) => ['', '', line])];
}
