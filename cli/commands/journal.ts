/** `guian journal`: who changed what of the farm, and when; newest first. */
import type { Command } from 'commander';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { JournalEntry__Output } from '#shared/wire/generated/guian/v1/JournalEntry.js';
import type { ListJournalResponse__Output } from '#shared/wire/generated/guian/v1/ListJournalResponse.js';
import { printJson, table } from '../output/table.js';
import { EXIT } from '../process/exit-code.js';
import { farmCommand } from '../process/farm-command.js';
import { parseWhole } from '../process/flag-values.js';

const COUNT_DEFAULT = 50;
const COUNT_MAX = 1_000_000;
/** What the coordinator gives at once. */
const PAGE_MAX = 1_000;

export function journalCommand(): Command {
  return farmCommand<[]>('journal', 'Tells who changed what of the farm, and when; newest first.', {
    flags: (command) => command.option('--limit <n>', `at most this many (default: ${COUNT_DEFAULT})`),
    examples: [
      ['journal', `the last ${COUNT_DEFAULT} changes`],
      [
        'journal --limit 1000 --json | jq \'.[] | select(.subject == "render-07")\'',
        'what was done to a node',
      ],
    ],
    run: async (farm, options) => {
      const limit = parseWhole(options['limit'], '--limit', 1, COUNT_MAX) ?? COUNT_DEFAULT;
      const entries = await listJournal(farm, limit);
      if (options['json'] === true) printJson(entries);
      else process.stdout.write(journalText(entries));
      return EXIT.done;
    },
  });
}

async function listJournal(farm: CoordinatorClient, limit: number): Promise<readonly JournalEntry__Output[]> {
  const entries: JournalEntry__Output[] = [];
  let pageToken = '';
  do {
    const pageSize = Math.min(PAGE_MAX, limit - entries.length);
    const page = await call<ListJournalResponse__Output>(farm, (grpc, done) =>
      farm.admin.listJournal({ pageSize, pageToken }, grpc, done),
    );
    entries.push(...page.entries);
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && entries.length < limit);
  return entries;
}

export function journalText(entries: readonly JournalEntry__Output[]): string {
  return table(
    ['TIME', 'WHO', 'ACTION', 'SUBJECT', 'WHAT'],
    entries.map(({ atMs, actor, action, subject, message }) => [
      new Date(atMs).toISOString(),
      actor || '-',
      action,
      subject,
      message,
    ]),
  );
}
