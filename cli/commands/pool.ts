/** `guian pool list|set|remove`: named groups of nodes, and how many slots each should have. */
import type { Command } from 'commander';
import { formatDurationMs } from '#shared/domain/duration.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { call } from '#shared/wire/coordinator-client.js';
import type { ListPoolsResponse__Output } from '#shared/wire/generated/guian/v1/ListPoolsResponse.js';
import type { Pool__Output } from '#shared/wire/generated/guian/v1/Pool.js';
import type { SetPoolRequest } from '#shared/wire/generated/guian/v1/SetPoolRequest.js';
import { counted } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { commandGroup, farmCommand, type Options } from '../process/farm-command.js';
import { given, needAny, parseDuration, parseSchedulingName, parseWhole } from '../process/flag-values.js';
import { removeSettingCommand } from './remove-setting.js';

const TIME_MS_MAX = 30 * 86_400_000;
const FLAGS = ['--target-wait', '--min-slots', '--max-slots', '--idle'];

export function poolCommand(): Command {
  const remove = 'Forgets what was set for a pool; refused while a node or a running job is in it.';
  return commandGroup('pool', 'Named groups of nodes: a node may be in several, a job names one or none.', [
    listCommand(),
    setCommand(),
    removeSettingCommand('pool', remove, 'nothing is set for it any more'),
  ]);
}

function listCommand(): Command {
  return farmCommand<[]>('list', 'Lists the pools that nodes are in or that were set.', {
    examples: [['pool list', '']],
    notes:
      'Nodes enter and leave a pool by "guian node pool NODE +NAME -NAME" or by what their agent announces.',
    run: async (farm, options) => {
      const { pools } = await call<ListPoolsResponse__Output>(farm, (grpc, done) =>
        farm.admin.listPools({}, grpc, done),
      );
      if (options['json'] === true) printJson(pools);
      else process.stdout.write(poolsText(pools));
      return EXIT.done;
    },
  });
}

function setCommand(): Command {
  return farmCommand<[string]>(
    'set',
    'Sets how many slots a pool should have, for "guian scale"; what is not given stays as it is.',
    {
      args: [['<name>', "the pool's name"]],
      flags: (command) =>
        command
          .option('--target-wait <time>', 'time in which its backlog should be rendered (default: 10m)')
          .option('--min-slots <n>', 'never advise fewer (default: 0)')
          .option('--max-slots <n>', 'never advise more; 0: no limit (default: 0)')
          .option('--idle <time>', 'keep slots that are not needed so long (default: 10m)'),
      examples: [['pool set film --target-wait 10m --min-slots 8 --max-slots 512 --idle 15m', '']],
      run: async (farm, options, name) => {
        const request = poolRequest(name, options);
        const pool = await call<Pool__Output>(farm, (grpc, done) =>
          farm.admin.setPool({ ...request, actor: actor() }, grpc, done),
        );
        if (options['json'] === true) printJson(pool);
        else process.stdout.write(`${oneLine(poolText(pool))}\n`);
        return EXIT.done;
      },
    },
  );
}

/** @throws USAGE_INVALID */
export function poolRequest(name: string, options: Options): SetPoolRequest {
  const values = {
    targetWaitMs: parseDuration(options['targetWait'], '--target-wait', 1_000, TIME_MS_MAX),
    minSlots: parseWhole(options['minSlots'], '--min-slots', 0, LIMITS.farmSlotsMax),
    maxSlots: parseWhole(options['maxSlots'], '--max-slots', 0, LIMITS.farmSlotsMax),
    idleMs: parseDuration(options['idle'], '--idle', 0, TIME_MS_MAX),
  };
  needAny(values, FLAGS);
  const { minSlots = 0, maxSlots = 0 } = values;
  if (maxSlots > 0 && minSlots > maxSlots)
    throw new FarmError(
      'USAGE_INVALID',
      `--min-slots "${minSlots}": it must not be above --max-slots, which is ${maxSlots}`,
    );
  return { name: parseSchedulingName(name, 'pool'), ...given(values) };
}

export function poolsText(pools: readonly Pool__Output[]): string {
  return table(
    ['POOL', 'NODES', 'SLOTS', 'TARGET WAIT', 'MIN', 'MAX', 'IDLE', 'SET'],
    pools.map((pool) => [
      pool.name,
      String(pool.nodes),
      `${pool.slotsBusy}/${pool.slots}`,
      formatDurationMs(pool.targetWaitMs),
      String(pool.minSlots),
      pool.maxSlots === 0 ? '-' : String(pool.maxSlots),
      formatDurationMs(pool.idleMs),
      pool.configured ? 'yes' : '-',
    ]),
  );
}

function poolText({ name, targetWaitMs, minSlots, maxSlots, idleMs }: Pool__Output): string {
  const max = maxSlots === 0 ? 'without limit' : `to ${counted(maxSlots, 'slot')}`;
  return `pool ${name}: target wait ${formatDurationMs(targetWaitMs)}, from ${minSlots} ${max}, idle ones kept ${formatDurationMs(idleMs)}`;
}
