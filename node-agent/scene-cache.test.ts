import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PackageManifest } from '#shared/domain/scene-package.js';
import { createLogger } from '#shared/log.js';
import { type CoordinatorClient, connectCoordinator } from '#shared/wire/coordinator-client.js';
import { type BlobServer, startBlobServer } from '#tests/support/blob-server.js';
import { mountTinyDisk } from '#tests/support/tiny-disk.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { SceneCache } from './scene-cache.js';

const logger = createLogger('test', 'silent');
const KIB = 1024;
let folder = '';
let server: BlobServer;
let coordinator: CoordinatorClient;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-cache-'));
  server = await startBlobServer();
  coordinator = connectCoordinator(server.address);
});
afterEach(async () => {
  coordinator.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const openCache = (bytesMax = 2 ** 30) => SceneCache.open({ folder, bytesMax, coordinator, logger });
const bytesOf = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + seed) & 255);
const blobFile = (manifest: PackageManifest, index = 0) =>
  join(folder, 'blobs', manifest.files[index]!.digest);

/** Comparing large buffers element by element, as `toEqual` does, takes seconds. */
const holds = async (file: string, bytes: Uint8Array) => Buffer.compare(await readFile(file), bytes) === 0;

async function damage(file: string, bytes: Uint8Array) {
  await chmod(file, 0o600);
  await writeFile(file, bytes);
}

describe('the scene cache', () => {
  test('brings a package with its folders, equal files once, and shares one download', async () => {
    await using cache = await openCache();
    const big = bytesOf(300 * KIB, 1);
    const manifest = server.add({ 'scene.gltf': '{}', 'textures/a b.png': big, 'textures/copy.png': big });
    const [one, two] = await Promise.all([cache.acquire(manifest), cache.acquire(manifest)]);
    expect(one.scene).toEqual(two.scene);
    expect(await holds(join(one.scene.folder, 'textures/a b.png'), big)).toBe(true);
    expect(await readFile(join(one.scene.folder, one.scene.entry), 'utf8')).toBe('{}');
    expect(server.requests).toHaveLength(2);
    expect(cache.sizeBytes).toBe(300 * KIB + 2);
  });

  test('resumes a broken download where it broke off', async () => {
    await using cache = await openCache();
    const manifest = server.add({ 'a.bin': bytesOf(400 * KIB, 2) });
    server.breakNextAfter(128 * KIB);
    const { scene } = await cache.acquire(manifest);
    expect(await holds(join(scene.folder, 'a.bin'), bytesOf(400 * KIB, 2))).toBe(true);
    expect(server.requests[0]!.offsetBytes).toBe(0);
    expect(server.requests[1]!.offsetBytes).toBeGreaterThan(0);
  });

  test('does not keep bytes that are not what their digest says', async () => {
    await using cache = await openCache();
    const manifest = server.add({ 'a.bin': bytesOf(100 * KIB, 3) });
    server.spoilNext();
    const { scene } = await cache.acquire(manifest);
    expect(await holds(join(scene.folder, 'a.bin'), bytesOf(100 * KIB, 3))).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test('a blob that the coordinator does not have is an error at once, and is asked for again later', async () => {
    await using cache = await openCache();
    const manifest = server.add({ 'a.bin': 'here' });
    const missing = {
      ...manifest,
      files: [{ ...manifest.files[0]!, digest: '1'.repeat(64) }],
    } as PackageManifest;
    await expect(cache.acquire(missing)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    await expect(cache.acquire(missing)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
  });

  test.each(['../evil', '/etc/evil', 'a/../../evil', 'C:evil', 'a\\b'])(
    'refuses the path %s',
    async (path) => {
      await using cache = await openCache();
      const good = server.add({ 'a.bin': 'x' });
      const bad = { ...good, files: [...good.files, { ...good.files[0]!, path }] } as PackageManifest;
      await expect(cache.acquire(bad)).rejects.toMatchObject({ code: 'SCENE_PATH_ESCAPES' });
      const [mine] = await readdir(join(folder, 'scenes'));
      expect(await readdir(join(folder, 'scenes', mine!))).toEqual([]);
    },
  );

  test('a later process uses what is there, fetches again what was damaged, and clears what was half done', async () => {
    const manifest = server.add({ 'a.bin': bytesOf(10 * KIB, 4), 'b.bin': bytesOf(10 * KIB, 5) });
    {
      await using first = await openCache();
      (await first.acquire(manifest)).release();
    }
    await writeFile(join(folder, 'blobs', `${'2'.repeat(64)}.part`), 'half');
    // The same size, so only the digest shows it.
    await damage(blobFile(manifest, 1), bytesOf(10 * KIB, 6));
    await using second = await openCache();
    const { scene } = await second.acquire(manifest);
    expect(await holds(join(scene.folder, 'b.bin'), bytesOf(10 * KIB, 5))).toBe(true);
    expect(server.requests.map((request) => request.digest)).toHaveLength(3);
    expect(await readdir(join(folder, 'blobs'))).toHaveLength(2);
  });

  test('a second agent that was given the same folder clears away nothing that the first one renders from', async () => {
    await using first = await openCache();
    const manifest = server.add({ 'a.bin': bytesOf(KIB, 8) });
    const { scene } = await first.acquire(manifest);
    {
      await using second = await openCache();
      (await second.acquire(manifest)).release();
      expect(await readdir(join(folder, 'scenes'))).toHaveLength(2);
    }
    expect(await holds(join(scene.folder, 'a.bin'), bytesOf(KIB, 8))).toBe(true);
    await mkdir(join(folder, 'scenes', `${2 ** 22 + 1}-gone`));
    await using _third = await openCache();
    expect(await readdir(join(folder, 'scenes'))).toHaveLength(2);
  });

  test('a blob cut short while the process runs is noticed by its size', async () => {
    await using cache = await openCache();
    const manifest = server.add({ 'a.bin': bytesOf(10 * KIB, 7) });
    (await cache.acquire(manifest)).release();
    await damage(blobFile(manifest), bytesOf(KIB, 7));
    const { scene } = await cache.acquire(manifest);
    expect(await holds(join(scene.folder, 'a.bin'), bytesOf(10 * KIB, 7))).toBe(true);
  });

  test('the least recently used packages go when it is over its size; what is in use stays', async () => {
    await using cache = await openCache(25 * KIB);
    const [a, b, c] = [1, 2, 3].map((seed) => server.add({ 'x.bin': bytesOf(10 * KIB, seed) }));
    const held = await cache.acquire(a!);
    (await cache.acquire(b!)).release();
    (await cache.acquire(c!)).release();
    await waitUntil(() => cache.sizeBytes <= 25 * KIB, { timeoutMs: 5_000, describe: 'eviction' });
    const blobs = await waitUntil(
      async () => {
        const names = await readdir(join(folder, 'blobs'));
        return names.length === 2 ? names : undefined;
      },
      { timeoutMs: 5_000, describe: 'two blobs on disk' },
    );
    expect(blobs.sort()).toEqual([a!.files[0]!.digest, c!.files[0]!.digest].sort());
    expect(await readFile(join(held.scene.folder, 'x.bin'))).toHaveLength(10 * KIB);
  });

  test('on a full disk packages that nobody holds make room; one that cannot fit is refused with what is missing', async () => {
    using disk = mountTinyDisk(4 * KIB * KIB);
    if (!disk) return;
    await using cache = await SceneCache.open({ folder: disk.path, bytesMax: 2 ** 30, coordinator, logger });
    const [idle, held, next, huge] = [1, 1, 2.5, 8].map((mib, seed) =>
      server.add({ 'x.bin': bytesOf(mib * KIB * KIB, seed) }),
    );
    (await cache.acquire(idle!)).release();
    const { scene } = await cache.acquire(held!);
    // 2 of 4 MiB are free.
    await cache.acquire(next!);
    expect(cache.sizeBytes).toBe(3.5 * KIB * KIB);
    expect(await holds(join(scene.folder, 'x.bin'), bytesOf(KIB * KIB, 1))).toBe(true);
    await expect(cache.acquire(huge!)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/: 8 MiB needed, [\d.]+ \w+ free, .*; free some or name another folder/),
    });
    expect(cache.sizeBytes).toBe(3.5 * KIB * KIB);
  });

  test('does not take a file for complete whose last bytes found no room', async () => {
    using disk = mountTinyDisk(KIB * KIB);
    if (!disk) return;
    await using cache = await SceneCache.open({ folder: disk.path, bytesMax: 2 ** 30, coordinator, logger });
    const manifest = server.add({ 'x.bin': bytesOf(100 * KIB + 10, 1) });
    // Room for all but a part of the last chunk: the disk takes what it can of it, and says nothing.
    disk.fill(100 * KIB);
    await expect(cache.acquire(manifest)).rejects.toMatchObject({ code: 'DISK_FULL' });
    disk.empty();
    const { scene } = await cache.acquire(manifest);
    expect(await holds(join(scene.folder, 'x.bin'), bytesOf(100 * KIB + 10, 1))).toBe(true);
  });
});
