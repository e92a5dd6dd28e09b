/** `remove NAME` of pools, studios and licences: back to how it was before an admin set anything. */
import type { Command } from 'commander';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { RemoveResponse__Output } from '#shared/wire/generated/guian/v1/RemoveResponse.js';
import { printJson } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { farmCommand } from '../process/farm-command.js';

const CALLS = { pool: 'removePool', studio: 'removeStudio', licence: 'removeLicence' } as const;

/** @param effect  what follows from it, e.g. `it has a share of 1 again`. */
export function removeSettingCommand(kind: keyof typeof CALLS, description: string, effect: string): Command {
  return farmCommand<[string]>('remove', description, {
    args: [['<name>', `its name, as "guian ${kind} list" shows it`]],
    examples: [[`${kind} remove old`, '']],
    run: async (farm, options, name) => {
      await remove(farm, kind, name);
      if (options['json'] === true) printJson({ removed: name });
      else process.stdout.write(`${oneLine(`${kind} ${name} is removed: ${effect}`)}\n`);
      return EXIT.done;
    },
  });
}

function remove(farm: CoordinatorClient, kind: keyof typeof CALLS, name: string): Promise<unknown> {
  return call<RemoveResponse__Output>(farm, (grpc, done) =>
    farm.admin[CALLS[kind]]({ name, actor: actor() }, grpc, done),
  );
}
