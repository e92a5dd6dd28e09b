/** Puts a configuration definition on a command line, and reads it back with environment, `--config` file and defaults. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type ConfigDefinition,
  type ConfigFields,
  type ConfigOf,
  configOptions,
  resolveConfig,
} from '#shared/config.js';
import { FarmError, messageOf } from '#shared/errors.js';

export function addConfigOptions(command: Command, definition: ConfigDefinition<ConfigFields>): Command {
  for (const option of configOptions(definition)) command.option(option.flags, option.description);
  return command.option('--config <file>', 'JSON file with any of these settings; flags and environment win');
}

/** @throws CONFIG_INVALID */
export function loadConfig<F extends ConfigFields>(
  definition: ConfigDefinition<F>,
  options: Readonly<Record<string, unknown>>,
): ConfigOf<F> {
  const flags = Object.fromEntries(
    Object.entries(definition.fields).map(([key, field]) => [key, options[optionName(field.flag)]]),
  );
  const name = options['config'];
  return resolveConfig(definition, {
    flags,
    env: process.env,
    ...(typeof name === 'string' && { file: { name, text: readConfigFile(name) } }),
  });
}

/** Commander's key of a flag: `--node-id` → `nodeId`. */
function optionName(flag: string): string {
  return flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function readConfigFile(name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (cause) {
    throw new FarmError(
      'CONFIG_INVALID',
      `--config ${name}: cannot be read (${messageOf(cause)})`,
      {},
      { cause },
    );
  }
}
