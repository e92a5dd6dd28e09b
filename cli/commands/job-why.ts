/** `guian job why ID`: why a job does not run, or not faster, and what would change it. */
import type { Command } from 'commander';
import { call } from '#shared/wire/coordinator-client.js';
import type { WhyJobResponse__Output } from '#shared/wire/generated/guian/v1/WhyJobResponse.js';
import { counted } from '../output/human.js';
import { printJson } from '../output/table.js';
import { waitLines } from '../output/waits.js';
import { EXIT } from '../process/exit-code.js';
import { farmCommand } from '../process/farm-command.js';

export function whyJobCommand(): Command {
  return farmCommand<[string]>(
    'why',
    'Says why a job waits or has fewer slots than it could use, the strongest reason first.',
    {
      args: [['<id>', 'job id, as "guian jobs" shows it']],
      examples: [
        ['job why shot-12-k3f9', 'what it waits for, and the number that would change it'],
        ["job why shot-12-k3f9 --json | jq -r '.waits[0].kind'", 'for programs: paused, licence, share, …'],
      ],
      run: async (farm, options, jobId) => {
        const why = await call<WhyJobResponse__Output>(farm, (grpc, done) =>
          farm.jobs.why({ jobId }, grpc, done),
        );
        if (options['json'] === true) printJson(why);
        else process.stdout.write(whyJobText(why));
        return EXIT.done;
      },
    },
  );
}

export function whyJobText({ jobId, state, slots, slotsWanted, waits }: WhyJobResponse__Output): string {
  if (state !== 'queued' && state !== 'running') return `job ${jobId} has ended: ${state}\n`;
  const could = slotsWanted > slots ? `, could use ${slotsWanted}` : '';
  const head = `job ${jobId} ${slots > 0 || waits.length === 0 ? `is ${state}: it` : 'waits: it'} has ${counted(slots, 'slot')}${could}`;
  if (waits.length === 0) return `${head}; that is all that it can use\n`;
  return [head, ...waitLines(waits).map((line) => `  ${line}`)].map((line) => `${line}\n`).join('');
}
