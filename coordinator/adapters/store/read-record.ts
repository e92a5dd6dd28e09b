/** Reads one JSON record of the store; what is there and cannot be understood is told apart from what is not there. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { z } from 'zod';
import { messageOf } from '#shared/errors.js';

/** A record is there, and is not what was written. Names the file without its folder: clients may see it. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord';
  readonly fileName: string;

  constructor(fileName: string, cause: unknown) {
    super(`${fileName} is damaged: ${messageOf(cause).slice(0, 500)}`, { cause });
    this.fileName = fileName;
  }
}

/**
 * @returns nothing when there is no such file.
 * @throws DamagedRecord
 */
export async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new DamagedRecord(basename(path), error);
  }
}

/** The same, with what to take a damaged record for. */
export async function readRecordOr<T, U>(
  path: string,
  schema: z.ZodType<T>,
  damaged: (error: DamagedRecord) => U,
): Promise<T | U | undefined> {
  try {
    return await readRecord(path, schema);
  } catch (error) {
    if (error instanceof DamagedRecord) return damaged(error);
    throw error;
  }
}
