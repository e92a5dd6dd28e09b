/**
 * `admin/journal.jsonl`: everything that admins have changed, one line each, only ever added to. A line counts from its
 * line feed on: whatever a kill left behind the last one was never answered, and is cut off. A line in the middle that
 * cannot be read (damage, or the action of a newer version) is left out and stays where it is.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { invariant } from '#shared/invariant.js';
import type { Logger } from '#shared/log.js';
import { type JournalEntry, journalEntrySchema } from '../../admin/actions.js';
import { storeError, syncFolder } from './durable-file.js';

/** The longest action that its schema allows takes about 20 KiB. */
const LINE_BYTES_MAX = 64 * 1024;
/** Reading a page takes a few ms at most of the event loop; entries of usual length fill the largest page with less. */
const PAGE_BYTES_MAX = 512 * 1024;
const LINE_FEED = 10;
const APPENDING = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;

export interface JournalPage {
  /** Newest first. */
  readonly entries: readonly JournalEntry[];
  /** There are more, older than this one. */
  readonly olderThan?: number;
}

export interface AdminJournal extends AsyncDisposable {
  /** Reads all of it, once, before anything else. @param take gets every entry, oldest first. */
  load(take: (entry: JournalEntry) => void): Promise<void>;
  /**
   * Resolves when the entry would survive a power cut. Calls wait for one another.
   * @throws DISK_FULL, and nothing is added; STORE_LOCKED when somebody else has written to the file.
   */
  append(entry: Omit<JournalEntry, 'sequence'>): Promise<JournalEntry>;
  /**
   * @param size      entries at most; fewer where they are very long.
   * @param olderThan a sequence; absent: from the newest on.
   */
  page(size: number, olderThan?: number): Promise<JournalPage>;
}

export function adminJournal(root: string, log: Logger): AdminJournal {
  return new JournalFile(join(root, 'admin'), log);
}

class JournalFile implements AdminJournal {
  private readonly folder: string;
  private readonly path: string;
  private readonly log: Logger;
  /** Of entry i, oldest first. */
  private readonly sequences: number[] = [];
  private readonly offsets: number[] = [];
  private readonly lengths: number[] = [];
  /** Behind the last line. */
  private end = 0;
  private nextSequence = 1;
  private isLoaded = false;
  /** What a failed append has left behind the end could not be taken back. */
  private hasLeftover = false;
  private file: FileHandle | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(folder: string, log: Logger) {
    this.folder = folder;
    this.path = join(folder, 'journal.jsonl');
    this.log = log;
  }

  async load(take: (entry: JournalEntry) => void): Promise<void> {
    invariant(!this.isLoaded, 'the journal is read once');
    this.isLoaded = true;
    this.file = await open(this.path, constants.O_RDWR | constants.O_APPEND).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (!this.file) return;
    const unreadable: number[] = [];
    let lineNumber = 0;
    for await (const { bytes, length } of linesOf(this.file)) {
      lineNumber++;
      const entry = bytes && parseLine(bytes);
      // A sequence that has been is a line that somebody copied.
      if (entry && entry.sequence > (this.sequences.at(-1) ?? 0)) {
        this.note(entry.sequence, length);
        take(entry);
      } else {
        unreadable.push(lineNumber);
        // It may have been an entry, and be one again for those who can read it.
        this.nextSequence++;
        this.end += length;
      }
    }
    if (unreadable.length > 0)
      this.log.warn(
        { path: this.path, lines: unreadable.slice(0, 10), count: unreadable.length },
        'lines of the admin journal cannot be read; what they changed is not in force',
      );
    await this.cutTornLine(this.file);
  }

  append(entry: Omit<JournalEntry, 'sequence'>): Promise<JournalEntry> {
    invariant(this.isLoaded, 'the journal is read before it is written');
    const result = this.turn.then(() =>
      this.add(journalEntrySchema.parse({ sequence: this.nextSequence, ...entry })),
    );
    this.turn = result.catch(() => undefined);
    return result;
  }

  async page(size: number, olderThan: number = Number.POSITIVE_INFINITY): Promise<JournalPage> {
    const until = firstNotBelow(this.sequences, olderThan);
    let from = until;
    for (let bytes = 0; from > 0 && until - from < size; from--) {
      bytes += this.lengths[from - 1]!;
      if (bytes > PAGE_BYTES_MAX && from < until) break;
    }
    const indices = Array.from({ length: until - from }, (_, offset) => until - 1 - offset);
    const entries = await Promise.all(indices.map((index) => this.read(index)));
    return { entries, ...(from > 0 && { olderThan: this.sequences[from]! }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.turn;
    await this.file?.close();
    this.file = undefined;
  }

  private async add(entry: JournalEntry): Promise<JournalEntry> {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    invariant(line.byteLength <= LINE_BYTES_MAX, 'a line of the journal can be read again');
    try {
      const file = await this.openForAppending();
      await this.assertAtEnd(file);
      // Set before, so that whatever stops the next steps leaves nothing that is taken for another's.
      this.hasLeftover = true;
      await file.appendFile(line);
      await file.sync();
      this.hasLeftover = false;
    } catch (error) {
      if (this.file && this.hasLeftover) await this.takeBack(this.file);
      throw storeError(error, this.path);
    }
    this.note(entry.sequence, line.byteLength);
    return entry;
  }

  private async openForAppending(): Promise<FileHandle> {
    if (this.file) return this.file;
    const file = await open(this.path, APPENDING);
    try {
      await syncFolder(this.folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.file = file;
    return file;
  }

  /** The store's lock keeps others away on one machine; on a shared disk this is what notices them. */
  private async assertAtEnd(file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    if (size === this.end) return;
    if (this.hasLeftover && size > this.end) {
      await file.truncate(this.end);
      return;
    }
    throw new FarmError(
      'STORE_LOCKED',
      `${this.path} has ${size} bytes where this coordinator left ${this.end}: somebody else writes to it; stop the other coordinator, and start this one again`,
      { path: this.path },
    );
  }

  /** Half a line that a full disk left, or a whole one that may not last: it was not answered, so that it must not count. */
  private async takeBack(file: FileHandle): Promise<void> {
    try {
      await file.truncate(this.end);
      this.hasLeftover = false;
    } catch (err) {
      this.log.warn({ path: this.path, err }, 'half a line of the admin journal stays until the next change');
    }
  }

  private async cutTornLine(file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    if (size <= this.end) return;
    this.log.warn(
      { path: this.path, bytes: size - this.end },
      'the last line of the admin journal was half-written; it is cut off',
    );
    await file.truncate(this.end);
    await file.sync();
  }

  private note(sequence: number, length: number): void {
    this.sequences.push(sequence);
    this.offsets.push(this.end);
    this.lengths.push(length);
    this.end += length;
    this.nextSequence = Math.max(this.nextSequence, sequence + 1);
  }

  private async read(index: number): Promise<JournalEntry> {
    const bytes = Buffer.alloc(this.lengths[index]!);
    invariant(this.file !== undefined, 'entries are in a file');
    await this.file.read(bytes, 0, bytes.byteLength, this.offsets[index]!);
    const entry = parseLine(bytes);
    if (entry) return entry;
    throw new FarmError(
      'BLOB_CORRUPT',
      `entry ${this.sequences[index]} of the admin journal was changed since the coordinator read it; start it again`,
    );
  }
}

interface Line {
  /** Nothing of one that is too long. */
  readonly bytes: Buffer | undefined;
  /** With its line feed. */
  readonly length: number;
}

/** Whole lines; what is behind the last line feed is left out. */
async function* linesOf(file: FileHandle): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    length += part.byteLength;
    if (length <= LINE_BYTES_MAX) parts.push(part);
    else parts = [];
  };
  for await (const data of file.createReadStream({ start: 0, autoClose: false })) {
    const chunk = data as Buffer;
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, at + 1));
      yield { bytes: length <= LINE_BYTES_MAX ? Buffer.concat(parts) : undefined, length };
      parts = [];
      length = 0;
      from = at + 1;
    }
    add(chunk.subarray(from));
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Nothing for what is no entry. */
function parseLine(bytes: Buffer): JournalEntry | undefined {
  try {
    return journalEntrySchema.parse(JSON.parse(decoder.decode(bytes)));
  } catch {
    return undefined;
  }
}

/** Binary search. @returns the length where all are below. */
function firstNotBelow(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
