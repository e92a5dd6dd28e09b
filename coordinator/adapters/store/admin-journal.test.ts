import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#shared/log.js';
import { mountTinyDisk } from '#tests/support/tiny-disk.js';
import { type JournalEntry, journalEntrySchema } from '../../admin/actions.js';
import { type AdminJournal, adminJournal } from './admin-journal.js';
import { makeFolder } from './durable-file.js';

const log = createLogger('test', 'silent');
let root: string;
const path = () => join(root, 'admin', 'journal.jsonl');

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'guian-journal-'));
  await makeFolder(join(root, 'admin'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

/** With letters of two and four bytes. */
const paused = (jobId: string): Omit<JournalEntry, 'sequence'> =>
  journalEntrySchema.omit({ sequence: true }).parse({
    atMs: 5,
    actor: 'zoë🦊@ws12',
    action: { kind: 'job_set', jobId, paused: true },
  });

async function opened(folder = root): Promise<{ journal: AdminJournal; entries: JournalEntry[] }> {
  const journal = adminJournal(folder, log);
  const entries: JournalEntry[] = [];
  await journal.load((entry) => entries.push(entry));
  return { journal, entries };
}

async function readAgain(): Promise<JournalEntry[]> {
  const { journal, entries } = await opened();
  await journal[Symbol.asyncDispose]();
  return entries;
}

async function written(...jobIds: string[]): Promise<JournalEntry[]> {
  const { journal } = await opened();
  const entries: JournalEntry[] = [];
  for (const jobId of jobIds) entries.push(await journal.append(paused(jobId)));
  await journal[Symbol.asyncDispose]();
  return entries;
}

describe('the admin journal', () => {
  it('gives back what was added, in order and numbered, over any number of starts', async () => {
    expect(await readAgain()).toEqual([]);
    const first = await written('a', 'b');
    const second = await written('c');
    expect([...first, ...second].map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(await readAgain()).toEqual([...first, ...second]);
  });

  it('torn at any byte of its last line has all lines before it, goes on behind them, and is whole again', async () => {
    const [first] = await written('a', 'b');
    const bytes = await readFile(path());
    const lastStart = bytes.indexOf(10) + 1;
    for (let length = lastStart; length < bytes.byteLength; length++) {
      await writeFile(path(), bytes.subarray(0, length));
      const { journal, entries } = await opened();
      expect(entries).toEqual([first]);
      const next = await journal.append(paused('c'));
      await journal[Symbol.asyncDispose]();
      expect(next.sequence).toBe(2);
      expect(await readAgain()).toEqual([first, next]);
    }
  });

  it('leaves out lines that it cannot read, keeps them, and never uses their numbers again', async () => {
    await written('a', 'b', 'c');
    const [, , last] = await readAgain();
    const lines = (await readFile(path(), 'utf8')).split('\n');
    const newer = lines[1]!.replace('job_set', 'job_renamed');
    const noise = Buffer.concat([Buffer.from('\0\xff{"sequence":9', 'latin1'), Buffer.alloc(200_000, 'x')]);
    const kept = Buffer.concat([
      Buffer.from(`${lines[0]}\n${newer}\n`),
      noise,
      Buffer.from(`\n\n${lines[0]}\n${lines[2]}\n`),
    ]);
    await writeFile(path(), kept);
    const { journal, entries } = await opened();
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 3]);
    const next = await journal.append(paused('d'));
    expect(next.sequence).toBe(6);
    expect((await journal.page(10)).entries).toEqual([next, last, entries[0]]);
    await journal[Symbol.asyncDispose]();
    expect((await readFile(path())).subarray(0, kept.byteLength).equals(kept)).toBe(true);
    expect(await readAgain()).toEqual([entries[0], last, next]);
  });

  it('takes many entries at once as whole lines, in the order in which they came', async () => {
    const { journal } = await opened();
    const jobIds = Array.from({ length: 40 }, (_, index) => `job-${index}`);
    const entries = await Promise.all(jobIds.map((jobId) => journal.append(paused(jobId))));
    await journal[Symbol.asyncDispose]();
    expect(entries.map(({ sequence }) => sequence)).toEqual(jobIds.map((_, index) => index + 1));
    expect(await readAgain()).toEqual(entries);
  });

  it('adds nothing where somebody else has written, and says so', async () => {
    const { journal: one } = await opened();
    const { journal: other } = await opened();
    const mine = await one.append(paused('a'));
    await expect(other.append(paused('b'))).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringMatching(/somebody else writes to it; stop the other coordinator/),
    });
    await one.append(paused('c'));
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    expect((await readAgain())[0]).toEqual(mine);
    expect(await readAgain()).toHaveLength(2);
  });

  it('is paged newest first, and new entries move no page', async () => {
    const entries = await written('a', 'b', 'c', 'd', 'e');
    const { journal } = await opened();
    const first = await journal.page(2);
    expect(first).toEqual({ entries: [entries[4], entries[3]], olderThan: 4 });
    await journal.append(paused('f'));
    const second = await journal.page(2, first.olderThan);
    expect(second).toEqual({ entries: [entries[2], entries[1]], olderThan: 2 });
    expect(await journal.page(2, second.olderThan)).toEqual({ entries: [entries[0]] });
    expect(await journal.page(2, 1)).toEqual({ entries: [] });
    await journal[Symbol.asyncDispose]();
  });

  it('gives less at once of entries that are very long, and none twice or never', async () => {
    const { journal } = await opened();
    const tags = Array.from({ length: 64 }, (_, index) => `${index}`.padEnd(128, 'z'));
    const entry = {
      atMs: 5,
      actor: 'ana@ws12',
      action: { kind: 'node_set', nodeId: 'n1', tags, pools: tags },
    };
    const long = journalEntrySchema.omit({ sequence: true }).parse(entry);
    for (let count = 0; count < 70; count++) await journal.append(long);
    const seen: number[] = [];
    let olderThan: number | undefined;
    let pages = 0;
    do {
      const page = await journal.page(1_000, olderThan);
      seen.push(...page.entries.map(({ sequence }) => sequence));
      olderThan = page.olderThan;
      pages++;
    } while (olderThan !== undefined);
    expect(seen).toEqual(Array.from({ length: 70 }, (_, index) => 70 - index));
    expect(pages).toBe(3);
    await journal[Symbol.asyncDispose]();
  });

  it('on a full disk refuses, has nothing of what it refused, and goes on when there is room', async () => {
    using disk = mountTinyDisk(64 * 1024);
    if (!disk) return;
    await makeFolder(join(disk.path, 'admin'));
    const { journal } = await opened(disk.path);
    const kept = [await journal.append(paused('a'))];
    disk.fill(0);
    // The last page of the file has room for some more.
    const untilFull = async () => {
      for (let count = 0; count < 100; count++) kept.push(await journal.append(paused(`more-${count}`)));
    };
    await expect(untilFull()).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(journal.append(paused('b'.repeat(100)))).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/^no space left to write .*; free some space$/),
    });
    const atFull = await opened(disk.path);
    expect(atFull.entries).toEqual(kept);
    await atFull.journal[Symbol.asyncDispose]();
    disk.empty();
    const last = await journal.append(paused('c'));
    expect(last.sequence).toBe(kept.length + 1);
    await journal[Symbol.asyncDispose]();
    const { journal: again, entries } = await opened(disk.path);
    await again[Symbol.asyncDispose]();
    expect(entries).toEqual([...kept, last]);
  });
});
