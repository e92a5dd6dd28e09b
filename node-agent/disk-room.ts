/** Disks that are full: what is asked of them, and what is said when they cannot give it. */
import { statfs } from 'node:fs/promises';
import { FarmError, messageOf } from '#shared/errors.js';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function isDiskFull(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'DISK_FULL';
}

/** Bytes that may still be written below `folder`. A quota is not seen. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** @param neededBytes of what could not be written, as far as known. */
export async function diskFull(folder: string, neededBytes: number, cause: unknown): Promise<FarmError> {
  const free = await freeBytes(folder).then(sizeText, () => 'an unknown size');
  const { syscall } = cause as NodeJS.ErrnoException;
  const reason = syscall === undefined ? '' : `, ${messageOf(cause)}`;
  return new FarmError(
    'DISK_FULL',
    `no space left for scene packages in ${folder}: ${sizeText(neededBytes)} needed, ${free} free${reason}; free some or name another folder with --cache`,
    { folder },
    { cause },
  );
}

export function sizeText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${UNITS[power]}`;
}
