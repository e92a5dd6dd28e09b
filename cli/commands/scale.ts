/** `guian scale advice|run`: how many slots each pool should have, and the admin's own command that gets there. */
import type { Command } from 'commander';
import { FarmError } from '#shared/errors.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { PoolAdvice__Output } from '#shared/wire/generated/guian/v1/PoolAdvice.js';
import type { ScaleAdviceResponse__Output } from '#shared/wire/generated/guian/v1/ScaleAdviceResponse.js';
import { humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { EXIT, oneLine, reportError } from '../process/exit-code.js';
import { commandGroup, farmCommand, type Options } from '../process/farm-command.js';
import { parseDuration, wrongValue } from '../process/flag-values.js';
import { interruptible } from '../process/interrupt.js';
import { pause } from '../process/pause.js';
import { type ScaleHook, scalePools } from './scale-hook.js';

const EVERY_MS_DEFAULT = 30_000;
const EVERY_MS_MAX = 86_400_000;
const TIMEOUT_MS_DEFAULT = 300_000;

const RUN_NOTES = `The command runs in "sh -c", once for each pool whose advice differs from what is there, pools side by side. It finds
  GUIAN_POOL           the pool; empty: nodes without a pool
  GUIAN_SLOTS          slots that are there
  GUIAN_SLOTS_WANTED   slots that should be there
  GUIAN_COORDINATOR    the farm, for commands of guian inside it
in its environment, and nothing of the farm in its text, so that no name can be a command. It runs again as long as they
differ, and must not mind that machines which it has started are not there yet. What it prints goes to stderr. Exit codes
with --once: 0 done, 1 a command failed; without it 0 after Ctrl-C.`;

export function scaleCommand(): Command {
  return commandGroup('scale', 'How many slots each pool should have.', [adviceCommand(), runCommand()]);
}

function adviceCommand(): Command {
  return farmCommand<[]>('advice', 'Says how many slots each pool has and should have, and why.', {
    examples: [
      ['scale advice', ''],
      ["scale advice --json | jq '.[] | select(.slots < .slotsWanted)'", 'pools that lack slots'],
    ],
    notes:
      'What a pool should have follows from "guian pool set NAME --target-wait --min-slots --max-slots --idle".',
    run: async (farm, options) => {
      const pools = await scaleAdvice(farm);
      if (options['json'] === true) printJson(pools);
      else process.stdout.write(adviceText(pools));
      return EXIT.done;
    },
  });
}

function runCommand(): Command {
  return farmCommand<[]>('run', 'Runs a command of yours whenever a pool should have more or fewer slots.', {
    flags: (command) =>
      command
        .requiredOption('--exec <command>', 'what starts or stops machines, for the shell')
        .option('--every <time>', 'how often it looks (default: 30s)')
        .option(
          '--timeout <time>',
          'a command that takes longer is stopped and counts as failed (default: 5m)',
        )
        .option('--once', 'look once, and end'),
    examples: [
      ['scale run --exec \'./resize "$GUIAN_POOL" "$GUIAN_SLOTS_WANTED"\'', 'until Ctrl-C'],
      ['scale run --once --exec ./resize', 'from cron; the environment says what is wanted'],
    ],
    notes: RUN_NOTES,
    run,
  });
}

async function run(farm: CoordinatorClient, options: Options): Promise<number> {
  const command = String(options['exec']);
  if (command.trim() === '') throw wrongValue('--exec', command, 'it must be a command, such as ./resize');
  const everyMs = parseDuration(options['every'], '--every', 1_000, EVERY_MS_MAX) ?? EVERY_MS_DEFAULT;
  const timeoutMs = parseDuration(options['timeout'], '--timeout', 1_000, EVERY_MS_MAX) ?? TIMEOUT_MS_DEFAULT;
  const tell = options['json'] === true ? printJson : tellPerson;
  using interrupt = interruptible('stopping; a command that runs is told to end (Ctrl-C again: at once) …');
  const hook: ScaleHook = { command, timeoutMs, coordinator: farm.address, tell, interrupt };
  if (options['once'] === true) {
    const failures = await scalePools(await scaleAdvice(farm), hook);
    interrupt.signal.throwIfAborted();
    return failures > 0 ? EXIT.renderFailed : EXIT.done;
  }
  const { signal } = interrupt;
  while (!signal.aborted) {
    try {
      await scalePools(await scaleAdvice(farm), hook);
    } catch (error) {
      // A coordinator that restarts is asked again; whatever else it says is for a person to read.
      if (!(error instanceof FarmError)) throw error;
      reportError(error);
    }
    // Being stopped is how it ends well.
    if (!signal.aborted) await pause(everyMs, signal).catch(ifInterrupted(signal));
  }
  return EXIT.done;
}

function ifInterrupted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (error !== signal.reason) throw error;
  };
}

function tellPerson({ pool, slots, slotsWanted, outcome }: Parameters<ScaleHook['tell']>[0]): void {
  const name = pool === '' ? 'nodes without a pool' : `pool ${pool}`;
  process.stdout.write(`${oneLine(`${name}: ${slots} slots, ${slotsWanted} wanted: ${outcome}`)}\n`);
}

async function scaleAdvice(farm: CoordinatorClient): Promise<readonly PoolAdvice__Output[]> {
  const answer = await call<ScaleAdviceResponse__Output>(farm, (grpc, done) =>
    farm.admin.scaleAdvice({}, grpc, done),
  );
  return answer.pools;
}

export function adviceText(pools: readonly PoolAdvice__Output[]): string {
  return table(
    ['POOL', 'SLOTS', 'WANTED', 'BACKLOG', 'WHY'],
    pools.map(({ pool, slots, slotsWanted, backlogCoreSeconds, reason }) => [
      pool || '(none)',
      String(slots),
      String(slotsWanted),
      humanDuration(backlogCoreSeconds * 1000),
      reason,
    ]),
  );
}
