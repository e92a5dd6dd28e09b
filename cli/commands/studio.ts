/** `guian studio list|create|set|remove`: the tenants of the farm, their shares and limits. */
import type { Command } from 'commander';
import { ID_PATTERN } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { ListStudiosResponse__Output } from '#shared/wire/generated/guian/v1/ListStudiosResponse.js';
import type { SetStudioRequest } from '#shared/wire/generated/guian/v1/SetStudioRequest.js';
import type { Studio__Output } from '#shared/wire/generated/guian/v1/Studio.js';
import { counted } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { commandGroup, farmCommand, type Options } from '../process/farm-command.js';
import { given, needAny, parseDecimal, parseWhole, wrongValue } from '../process/flag-values.js';
import { removeSettingCommand } from './remove-setting.js';

const SHARE_MIN = 0.001;
const SHARE_MAX = 1_000_000;
const NAME = ['<name>', "the studio's name, as jobs give it with --studio"] as const;

const shareFlags = (command: Command): Command =>
  command
    .option('--share <n>', 'weight against other studios: 3 gets three times what 1 gets (default: 1)')
    .option('--max-slots <n>', 'slots of all its jobs together at most; 0: no limit (default: 0)');

export function studioCommand(): Command {
  const remove = 'Forgets what was set for a studio; its jobs go on.';
  return commandGroup('studio', 'Studios: who owns jobs, and how much of the farm each gets.', [
    listCommand(),
    createCommand(),
    setCommand(),
    removeSettingCommand('studio', remove, 'a share of 1 and no limit again'),
  ]);
}

function listCommand(): Command {
  return farmCommand<[]>('list', 'Lists studios: what they may have, have, and could use.', {
    examples: [['studio list', '']],
    run: async (farm, options) => {
      const studios = await listStudios(farm);
      if (options['json'] === true) printJson(studios);
      else process.stdout.write(studiosText(studios));
      return EXIT.done;
    },
  });
}

function createCommand(): Command {
  return farmCommand<[string]>('create', 'Sets up a studio; refused when it has been set up already.', {
    args: [NAME],
    flags: shareFlags,
    examples: [['studio create film --share 3', '']],
    notes: 'A studio need not be created: a job of one that nobody set up has a share of 1.',
    run: async (farm, options, name) => {
      const request = studioRequest(name, { share: '1', ...options });
      if ((await listStudios(farm)).some((studio) => studio.name === name && studio.configured))
        throw new FarmError(
          'USAGE_INVALID',
          `studio "${name}" has been set up already; change it: guian studio set ${name} --share N`,
        );
      return await set(farm, options, request);
    },
  });
}

function setCommand(): Command {
  return farmCommand<[string]>('set', "Sets a studio's share or limit; what is not given stays as it is.", {
    args: [NAME],
    flags: shareFlags,
    examples: [
      ['studio set film --share 3', 'three times what a studio with share 1 gets, when both have work'],
      ['studio set film --max-slots 64', 'never more, even when the farm idles'],
      ['studio set film --max-slots 0', 'no limit any more'],
    ],
    run: (farm, options, name) => {
      needAny({ share: options['share'], maxSlots: options['maxSlots'] }, ['--share', '--max-slots']);
      return set(farm, options, studioRequest(name, options));
    },
  });
}

/** @throws USAGE_INVALID */
export function studioRequest(name: string, options: Options): SetStudioRequest {
  if (!ID_PATTERN.test(name))
    throw wrongValue('studio', name, 'it must be 1 to 128 characters of A-Z a-z 0-9 _ -');
  const values = {
    share: parseDecimal(options['share'], '--share', SHARE_MIN, SHARE_MAX),
    maxSlots: parseWhole(options['maxSlots'], '--max-slots', 0, LIMITS.farmSlotsMax),
  };
  return { name, ...given(values) };
}

async function set(farm: CoordinatorClient, options: Options, request: SetStudioRequest): Promise<number> {
  const studio = await call<Studio__Output>(farm, (grpc, done) =>
    farm.admin.setStudio({ ...request, actor: actor() }, grpc, done),
  );
  if (options['json'] === true) printJson(studio);
  else {
    const limit = studio.maxSlots === 0 ? 'no limit' : `at most ${counted(studio.maxSlots, 'slot')}`;
    process.stdout.write(`${oneLine(`studio ${studio.name}: share ${studio.share}, ${limit}`)}\n`);
  }
  return EXIT.done;
}

async function listStudios(farm: CoordinatorClient): Promise<readonly Studio__Output[]> {
  const answer = await call<ListStudiosResponse__Output>(farm, (grpc, done) =>
    farm.admin.listStudios({}, grpc, done),
  );
  return answer.studios;
}

export function studiosText(studios: readonly Studio__Output[]): string {
  return table(
    ['STUDIO', 'SHARE', 'SLOTS', 'WANTED', 'MAX', 'JOBS', 'SET'],
    studios.map((studio) => [
      studio.name,
      String(studio.share),
      String(studio.slots),
      String(studio.slotsWanted),
      studio.maxSlots === 0 ? '-' : String(studio.maxSlots),
      String(studio.jobs),
      studio.configured ? 'yes' : '-',
    ]),
  );
}
