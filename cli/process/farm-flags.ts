/** Flags that several commands share: which coordinator to talk to, and how to print. */
import type { Command } from 'commander';
import { address } from '#shared/config.js';
import { FarmError } from '#shared/errors.js';
import { DEFAULTS } from '#shared/limits.js';
import { type CoordinatorClient, connectCoordinator } from '#shared/wire/coordinator-client.js';

const ADDRESS_SCHEMA = address({ flag: '', env: '', doc: '', default: '' });

/** @param without  what is done when neither flag nor environment names a coordinator. */
export function addFarmFlags(command: Command, without: string = DEFAULTS.coordinatorAddress): Command {
  return command
    .option('--coordinator <host:port>', `the farm's coordinator (GUIAN_COORDINATOR; default: ${without})`)
    .option('--json', 'print JSON');
}

/** The coordinator that flag or environment name; undefined when neither does. @throws USAGE_INVALID */
export function givenCoordinator(options: Readonly<Record<string, unknown>>): string | undefined {
  const flag = options['coordinator'];
  const value = flag ?? process.env['GUIAN_COORDINATOR'];
  if (value === undefined || value === '') return undefined;
  const parsed = ADDRESS_SCHEMA.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const name = flag === undefined ? 'GUIAN_COORDINATOR' : '--coordinator';
  throw new FarmError(
    'USAGE_INVALID',
    `${name} "${String(value).slice(0, 80)}": it must be ${ADDRESS_SCHEMA.allowed}`,
  );
}

export function connectFarm(options: Readonly<Record<string, unknown>>): CoordinatorClient {
  return connectCoordinator(givenCoordinator(options) ?? DEFAULTS.coordinatorAddress);
}
