/** `guian licence list|set|report|remove`: tokens of programs that may run only so many times at once. */
import { type Command, Option } from 'commander';
import { LIMITS } from '#shared/limits.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { Licence__Output } from '#shared/wire/generated/guian/v1/Licence.js';
import type { ListLicencesResponse__Output } from '#shared/wire/generated/guian/v1/ListLicencesResponse.js';
import { counted, humanDuration } from '../output/human.js';
import { printJson, table } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { commandGroup, farmCommand, type Options } from '../process/farm-command.js';
import { given, needAny, parseDuration, parseSchedulingName, parseWhole } from '../process/flag-values.js';
import { removeSettingCommand } from './remove-setting.js';

const NAME = ['<name>', "the licence's name, as jobs give it with --licence"] as const;
const EXPIRES_MS_MIN = 1_000;
const EXPIRES_MS_MAX = 86_400_000;

export function licenceCommand(): Command {
  const remove = 'Forgets a licence; refused while a running job needs it.';
  return commandGroup('licence', 'Licences: how many slots or nodes may use a program at once.', [
    listCommand(),
    setCommand(),
    reportCommand(),
    removeSettingCommand('licence', remove, 'jobs that need it wait'),
  ]).alias('license');
}

function listCommand(): Command {
  return farmCommand<[]>('list', 'Lists licences: tokens that there are, and tokens in use.', {
    examples: [['licence list', '']],
    run: async (farm, options) => {
      const { licences } = await call<ListLicencesResponse__Output>(farm, (grpc, done) =>
        farm.admin.listLicences({}, grpc, done),
      );
      if (options['json'] === true) printJson(licences);
      else process.stdout.write(licencesText(licences, Date.now()));
      return EXIT.done;
    },
  });
}

function setCommand(): Command {
  return farmCommand<[string]>('set', 'Sets how many tokens of a licence the farm has.', {
    args: [NAME],
    flags: (command) =>
      command
        .option('--total <n>', 'tokens that the farm may use; 0: none for now')
        .addOption(
          new Option('--per <what>', 'a token per slot, or per node for all its slots').choices([
            'slot',
            'node',
          ]),
        ),
    examples: [
      [
        'licence set nuke --total 8',
        'at most 8 slots at once render jobs that were submitted with --licence nuke',
      ],
      ['licence set houdini --total 4 --per node', 'at most 4 nodes, with all their slots'],
    ],
    run: async (farm, options, name) => {
      const values = {
        total: parseWhole(options['total'], '--total', 0, LIMITS.farmSlotsMax),
        per: options['per'] === undefined ? undefined : String(options['per']),
      };
      needAny(values, ['--total', '--per']);
      const request = { name: parseSchedulingName(name, 'licence'), ...given(values), actor: actor() };
      return await told(farm, options, (grpc, done) => farm.admin.setLicence(request, grpc, done));
    },
  });
}

function reportCommand(): Command {
  return farmCommand<[string]>(
    'report',
    'Says how many tokens a licence server has for the farm now; counts instead of the total that was set, until it expires.',
    {
      args: [NAME],
      flags: (command) =>
        command
          .requiredOption('--total <n>', 'tokens that the farm may use now, those included that it uses')
          .requiredOption(
            '--expires <time>',
            'how long this is true, 1s to 24h; then the total that was set counts again',
          ),
      examples: [
        [
          'licence report nuke --total 5 --expires 5m',
          'from a script that asks the licence server every minute',
        ],
      ],
      run: async (farm, options, name) => {
        const total = parseWhole(options['total'], '--total', 0, LIMITS.farmSlotsMax)!;
        const expiresAfterMs = parseDuration(
          options['expires'],
          '--expires',
          EXPIRES_MS_MIN,
          EXPIRES_MS_MAX,
        )!;
        const request = { name: parseSchedulingName(name, 'licence'), total, expiresAfterMs, actor: actor() };
        return await told(farm, options, (grpc, done) => farm.admin.reportLicence(request, grpc, done));
      },
    },
  );
}

async function told(
  farm: CoordinatorClient,
  options: Options,
  start: Parameters<typeof call<Licence__Output>>[1],
): Promise<number> {
  const licence = await call<Licence__Output>(farm, start);
  if (options['json'] === true) printJson(licence);
  else process.stdout.write(`${oneLine(licenceText(licence, Date.now()))}\n`);
  return EXIT.done;
}

/** `licence nuke: 8 tokens, one per slot; 3 in use` */
export function licenceText(licence: Licence__Output, nowMs: number): string {
  const { name, per, total, inUse } = licence;
  const report = reportText(licence, nowMs);
  return `licence ${name}: ${counted(total, 'token')}, one per ${per}; ${inUse} in use${report === '-' ? '' : `; reported, for ${report}`}`;
}

function reportText({ reportedUntilMs }: Licence__Output, nowMs: number): string {
  return reportedUntilMs > nowMs ? humanDuration(reportedUntilMs - nowMs) : '-';
}

export function licencesText(licences: readonly Licence__Output[], nowMs: number): string {
  return table(
    ['LICENCE', 'PER', 'IN USE', 'SET', 'REPORT ENDS IN'],
    licences.map((licence) => [
      licence.name,
      licence.per,
      `${licence.inUse}/${licence.total}`,
      String(licence.configuredTotal),
      reportText(licence, nowMs),
    ]),
  );
}
