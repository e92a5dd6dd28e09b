/** Which blobs stay, and which go, when housekeeping meets those who use them. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Digest } from '#shared/domain/ids.js';
import { type BlobStore, blobStore } from './blob-store.js';

const OLD = new Date(Date.now() - 48 * 3_600_000);
const GRACE_AGO = () => Date.now() - 24 * 3_600_000;
let folder: string;
let blobs: BlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-blobs-'));
  await mkdir(join(folder, 'uploads'));
  blobs = blobStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function oldBlob(): Promise<Digest> {
  const digest = randomBytes(32).toString('hex') as Digest;
  const path = blobs.pathOf(digest);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'blob');
  await utimes(path, OLD, OLD);
  return digest;
}

it('a blob that nobody has asked for goes; one that was said to be there stays', async () => {
  const [unused, used] = [await oldBlob(), await oldBlob()];
  expect(await blobs.sizeOf(used)).toBe(4);
  expect(await blobs.removeUnused(unused, GRACE_AGO())).toBe(true);
  expect(await blobs.removeUnused(used, GRACE_AGO())).toBe(false);
  // In another run, too.
  expect(await blobStore(folder).removeUnused(used, GRACE_AGO())).toBe(false);
  expect([await blobs.sizeOf(unused), await blobs.sizeOf(used)]).toEqual([undefined, 4]);
  expect(await blobs.removeUnused(unused, GRACE_AGO()), 'gone already').toBe(false);
});

it('whoever asks while it is being removed gets an answer that stays true', async () => {
  for (let round = 0; round < 40; round++) {
    const digest = await oldBlob();
    const asked = () => blobs.sizeOf(digest);
    const remove = () => blobs.removeUnused(digest, GRACE_AGO());
    const [size, isGone] = await (round % 2 === 0
      ? Promise.all([asked(), remove()])
      : Promise.all([remove(), asked()]).then(([gone, found]) => [found, gone] as const));
    expect({ size, isGone }).toEqual(isGone ? { size: undefined, isGone } : { size: 4, isGone: false });
    expect(await blobs.sizeOf(digest)).toBe(size);
  }
});

it('an upload that is under way stays, however old; an abandoned one goes', async () => {
  const bytes = randomBytes(1000);
  const digest = createHash('sha256').update(bytes).digest('hex') as Digest;
  const part = join(folder, 'uploads', `${digest}.part`);
  const first = await blobs.openUpload(digest, bytes.length, 0);
  await first.write(bytes.subarray(0, 400));
  await utimes(part, OLD, OLD);
  expect(await blobs.removePart(digest, GRACE_AGO())).toBe(false);
  await first.close();
  // Asked for: the client goes on from there.
  expect(await blobs.uploadedBytes(digest)).toBe(400);
  expect(await blobs.removePart(digest, GRACE_AGO())).toBe(false);
  const second = await blobs.openUpload(digest, bytes.length, 400);
  await second.write(bytes.subarray(400));
  await second.finish();
  await second.close();
  expect(await blobs.sizeOf(digest)).toBe(1000);
  const abandoned = await blobs.openUpload('cd'.repeat(32) as Digest, 10, 0);
  await abandoned.close();
  await utimes(join(folder, 'uploads', `${'cd'.repeat(32)}.part`), OLD, OLD);
  expect(await blobs.removePart('cd'.repeat(32) as Digest, GRACE_AGO())).toBe(true);
  expect(await readdir(join(folder, 'uploads'))).toEqual([]);
});
