/** The shape that commands which speak to a farm share: description, examples, farm flags, an exit code. */
import { Command } from 'commander';
import { FarmError } from '#shared/errors.js';
import type { CoordinatorClient } from '#shared/wire/coordinator-client.js';
import { EXIT, exitCodeOf, reportError } from './exit-code.js';
import { addFarmFlags, connectFarm } from './farm-flags.js';

export type Options = Readonly<Record<string, unknown>>;

export interface FarmCommand<Arguments extends readonly unknown[]> {
  /** e.g. `<id>` or `<node...>`, with what it is. */
  readonly args?: readonly (readonly [syntax: string, description: string])[];
  readonly flags?: (command: Command) => Command;
  /** Lines for `--help`: the command without `guian`, and what it does. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  /** Below the examples. */
  readonly notes?: string;
  /** @returns the exit code. */
  readonly run: (farm: CoordinatorClient, options: Options, ...args: Arguments) => Promise<number>;
}

/** @example farmCommand('why', 'Says why a job waits.', { args: [['<id>', 'job id']], examples: [], run: whyJob }) */
export function farmCommand<Arguments extends readonly unknown[]>(
  name: string,
  description: string,
  { args = [], flags = (command) => command, examples, notes, run }: FarmCommand<Arguments>,
): Command {
  const command = new Command(name).description(description);
  for (const [syntax, what] of args) command.argument(syntax, what);
  return addFarmFlags(flags(command))
    .addHelpText('after', examplesText(examples) + (notes === undefined ? '' : `\n${notes}\n`))
    .action(async (...passed: unknown[]) => {
      const options = passed[args.length] as Options;
      await using farm = connectFarm(options);
      process.exitCode = await run(farm, options, ...(passed.slice(0, args.length) as unknown as Arguments));
    });
}

/** A group such as `guian node …`. */
export function commandGroup(name: string, description: string, commands: readonly Command[]): Command {
  const group = new Command(name).description(description);
  for (const command of commands) group.addCommand(command);
  return group;
}

/** In two columns. */
export function examplesText(examples: readonly (readonly [line: string, effect: string])[]): string {
  const width = Math.max(0, ...examples.map(([line]) => line.length));
  const lines = examples.map(([line, effect]) => `  guian ${line.padEnd(width)}   ${effect}`.trimEnd());
  return `\nExamples:\n${lines.join('\n')}\n`;
}

/**
 * Does the same with each of several nodes or jobs: one that cannot be is told, and the others are done all the same.
 * @returns the exit code of the last that failed.
 */
export async function withEach(
  names: readonly string[],
  act: (name: string) => Promise<void>,
): Promise<number> {
  let exitCode: number = EXIT.done;
  for (const name of new Set(names)) {
    try {
      await act(name);
    } catch (error) {
      // Without a coordinator none of them can be.
      if (!(error instanceof FarmError) || error.code === 'COORDINATOR_UNAVAILABLE') throw error;
      reportError(error);
      exitCode = exitCodeOf(error);
    }
  }
  return exitCode;
}
