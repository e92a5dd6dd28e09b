import { Command } from 'commander';
import { expect, it } from 'vitest';
import { agentCommand } from '#cli/commands/agent.js';
import { jobCommand } from '#cli/commands/job.js';
import { licenceCommand } from '#cli/commands/licence.js';
import { nodeCommand } from '#cli/commands/node.js';
import { poolCommand } from '#cli/commands/pool.js';
import { studioCommand } from '#cli/commands/studio.js';
import { jobIdSchema, nodeIdSchema, studioSchema } from '#shared/domain/ids.js';
import { WAYS_OUT } from './ways-out.js';

const job = jobIdSchema.parse('shot-1');
const node = nodeIdSchema.parse('render-07');
const studio = studioSchema.parse('film');

const lines: Record<keyof typeof WAYS_OUT, string> = {
  resumeJob: WAYS_OUT.resumeJob(job),
  ignoreAfter: WAYS_OUT.ignoreAfter(job),
  retryJob: WAYS_OUT.retryJob(job),
  whyJob: WAYS_OUT.whyJob(job),
  jobPriority: WAYS_OUT.jobPriority(job, 60),
  jobMaxSlots: WAYS_OUT.jobMaxSlots(job, 3),
  anyPool: WAYS_OUT.anyPool(job),
  studioMaxSlots: WAYS_OUT.studioMaxSlots(studio, 3),
  studioShare: WAYS_OUT.studioShare(studio, 1.5),
  licenceTotal: WAYS_OUT.licenceTotal('nuke', 3),
  poolSlots: WAYS_OUT.poolSlots('day', 'max', 3),
  addPool: WAYS_OUT.addPool(node, 'day'),
  addTags: WAYS_OUT.addTags(node, ['big', 'fast']),
  resumeNode: WAYS_OUT.resumeNode(node),
  forgiveNode: WAYS_OUT.forgiveNode(node),
  addNode: WAYS_OUT.addNode,
  addSlots: `${WAYS_OUT.addSlots} 2`,
};

it.each(Object.values(lines))('the CLI takes what an explanation tells people to type: %s', (line) => {
  const program = new Command('guian');
  for (const command of [
    jobCommand(),
    nodeCommand(),
    studioCommand(),
    poolCommand(),
    licenceCommand(),
    agentCommand(),
  ])
    program.addCommand(command);
  let words = line.split(' ').slice(1);
  let command = program;
  for (let next: Command | undefined = program; next; words = next ? words.slice(1) : words) {
    command = next;
    next = command.commands.find((one) => one.name() === words[0]);
  }
  expect(command.commands).toEqual([]);
  const positional: string[] = [];
  while (words.length > 0) {
    const [word, ...rest] = words as [string, ...string[]];
    const option = command.options.find((one) => one.long === word);
    if (word.startsWith('--')) expect(option, word).toBeDefined();
    else positional.push(word);
    words = option?.required ? rest.slice(1) : rest;
  }
  const { registeredArguments } = command;
  expect(positional.length).toBeGreaterThanOrEqual(registeredArguments.filter((one) => one.required).length);
  if (!registeredArguments.at(-1)?.variadic) expect(positional.length).toBe(registeredArguments.length);
});
