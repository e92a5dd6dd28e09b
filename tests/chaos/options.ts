/** What a chaos run is told on its command line. */
import { parseArgs } from 'node:util';
import { DURATION_PATTERN, formatDurationMs, parseDurationMs } from '#shared/domain/duration.js';
import { FAULT_KINDS, type FaultKind } from './fault-plan.js';

export interface ChaosOptions {
  readonly durationMs: number;
  readonly seed: number;
  readonly killEveryMs: number;
  readonly only: readonly FaultKind[] | undefined;
  readonly tileMs: number;
  readonly keep: boolean;
  readonly json: boolean;
}

export const HELP = `Usage: npm run chaos -- [--minutes N] [--seed N] [--kill-every 10s] [--only KIND,…] [--json]

Renders three kinds of job of two studios on a farm of 4 agents while processes are killed, stopped and cut off, then
looks whether every frame is there once, with the very pixels of an undisturbed render, and whether nothing is left over.

  --minutes N      how long faults go on (default 10); what runs then is let to finish
  --seed N         the same seed gives the same plan of faults (default: by the clock; it is printed)
  --kill-every T   mean distance of kills, and of other faults beside them, e.g. 10s (default) or 500ms
  --only KINDS     only these faults, separated by commas: ${FAULT_KINDS.slice(0, 5).join(', ')},
                   ${FAULT_KINDS.slice(5, 10).join(', ')},
                   ${FAULT_KINDS.slice(10).join(', ')}
  --tile T         time of a long tile, e.g. 1s (default)
  --plan           prints the plan of faults and ends
  --keep           leaves the folder of the run where it is
  --json           figures and violations as one line of JSON on stdout; the story goes to stderr
  --help           this text

Exit code: 0 all is well, 1 an invariant was violated, 2 wrong use, 130 interrupted.
`;

export type ParsedOptions = (ChaosOptions & { readonly act: 'run' | 'plan' }) | { readonly act: 'help' };

/** @throws Error of one line that names the flag, the value and what is allowed. */
export function parseChaosOptions(args: readonly string[]): ParsedOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      'kill-every': { type: 'string', default: '10s' },
      only: { type: 'string' },
      tile: { type: 'string', default: '1s' },
      plan: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { act: 'help' };
  return {
    act: values.plan ? 'plan' : 'run',
    durationMs: numberOf('--minutes', values.minutes, 0.1, 24 * 60) * 60_000,
    seed:
      values.seed === undefined ? Date.now() % 1_000_000 : numberOf('--seed', values.seed, 0, 2 ** 31 - 1),
    killEveryMs: durationOf('--kill-every', values['kill-every'], 200, 3_600_000),
    tileMs: durationOf('--tile', values.tile, 10, 60_000),
    only: values.only?.split(',').map(kindOf),
    keep: values.keep,
    json: values.json,
  };
}

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new Error(`${flag} "${text}": it must be a number from ${min} to ${max}`);
  return value;
}

function durationOf(flag: string, text: string, minMs: number, maxMs: number): number {
  const valueMs = DURATION_PATTERN.test(text) ? parseDurationMs(text) : Number.NaN;
  if (!(valueMs >= minMs && valueMs <= maxMs))
    throw new Error(
      `${flag} "${text}": it must be a time from ${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}, such as 500ms, 10s or 1m`,
    );
  return valueMs;
}

function kindOf(text: string): FaultKind {
  const kind = FAULT_KINDS.find((known) => known === text.trim());
  if (!kind) throw new Error(`--only "${text}": it must be some of ${FAULT_KINDS.join(', ')}`);
  return kind;
}
