/**
 * Scene packages on this node's disk, by content: `blobs/<digest>` and, per package in use, a folder of links
 * `scenes/<process>/<manifest digest>/…`. A blob is judged by size at every use and by digest at its first use in this process, so
 * what a disk or a crash damaged is fetched again. Least recently used blobs go first when the cache is over its size;
 * what is in use stays. Made for one process per folder; a second one costs downloads, never a scene in use.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import { type Digest, digestSchema } from '#shared/domain/ids.js';
import type { PackageManifest } from '#shared/domain/scene-package.js';
import type { Logger } from '#shared/log.js';
import type { CoordinatorClient } from '#shared/wire/coordinator-client.js';
import { type BlobRef, downloadBlob } from './blob-download.js';
import { diskFull, freeBytes, isDiskFull } from './disk-room.js';
import { openProcessFolder, type ProcessFolder } from './process-folder.js';
import type { LocalScene } from './renderers/renderer.js';
import { makeSceneFolder, manifestDigest } from './scene-folder.js';

/** Streams at once: enough to hide round trips, few enough to leave the coordinator to other nodes. */
const DOWNLOADS_MAX = 4;
/** A stream that breaks off may do so by accident; a download that brings nothing so many times in a row is in trouble. */
const INTERRUPTIONS_IN_A_ROW = 3;

export interface SceneCacheOptions {
  readonly folder: string;
  readonly bytesMax: number;
  readonly coordinator: CoordinatorClient;
  readonly logger: Logger;
  /** A download stream that is silent for so long is resumed. */
  readonly silentMsMax?: number;
}

/** A package that stays on disk until it is released. */
export interface HeldScene {
  readonly scene: LocalScene;
  release(): void;
}

interface CachedBlob {
  readonly sizeBytes: number;
  usedAtMs: number;
  /** Its digest was right in this process. */
  isVerified: boolean;
}

interface CachedScene {
  readonly manifest: PackageManifest;
  readonly ready: Promise<LocalScene>;
  holders: number;
  usedAtMs: number;
}

export class SceneCache implements AsyncDisposable {
  readonly #options: SceneCacheOptions;
  readonly #blobs = new Map<Digest, CachedBlob>();
  readonly #fetching = new Map<Digest, Promise<void>>();
  readonly #interruptions = new Map<Digest, unknown>();
  readonly #scenes = new Map<string, CachedScene>();
  readonly #limit = pLimit(DOWNLOADS_MAX);
  readonly #closing = new AbortController();
  /** Packages being brought or checked. Nothing is evicted meanwhile: a blob just found sound must not vanish. */
  #bringing = 0;
  #evicting = Promise.resolve();

  readonly #scenesFolder: ProcessFolder;

  private constructor(options: SceneCacheOptions, scenesFolder: ProcessFolder) {
    this.#options = options;
    this.#scenesFolder = scenesFolder;
  }

  /** Takes over what an earlier process left; what it left half done is removed. @throws DISK_FULL */
  static async open(options: SceneCacheOptions): Promise<SceneCache> {
    try {
      return await SceneCache.#open(options);
    } catch (error) {
      throw isDiskFull(error) ? await diskFull(options.folder, 0, error) : error;
    }
  }

  static async #open(options: SceneCacheOptions): Promise<SceneCache> {
    const cache = new SceneCache(options, await openProcessFolder(join(options.folder, 'scenes')));
    await mkdir(cache.#blobsFolder, { recursive: true });
    for (const name of await readdir(cache.#blobsFolder)) {
      const file = join(cache.#blobsFolder, name);
      const digest = digestSchema.safeParse(name);
      if (!digest.success) {
        await rm(file, { recursive: true, force: true });
        continue;
      }
      const { size, mtimeMs } = await stat(file);
      cache.#blobs.set(digest.data, { sizeBytes: size, usedAtMs: mtimeMs, isVerified: false });
    }
    await cache.#evictSoon();
    return cache;
  }

  /**
   * The package on this disk; concurrent requests share one download. For room, packages that nobody holds are removed.
   * @throws DISK_FULL, and what downloadBlob and makeSceneFolder throw.
   */
  async acquire(manifest: PackageManifest): Promise<HeldScene> {
    for (;;) {
      try {
        return await this.#acquire(manifest);
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        const neededBytes = this.#missingBytes(manifest);
        if (!(await this.#makeRoom(manifest, neededBytes)))
          throw await diskFull(this.#options.folder, neededBytes, error);
      }
    }
  }

  /** Why a package that is being brought does not come forward: its downloads bring nothing again and again. */
  interruptionOf(manifest: PackageManifest): unknown {
    if (this.#interruptions.size === 0) return undefined;
    const file = manifest.files.find(({ digest }) => this.#interruptions.has(digest));
    return file && this.#interruptions.get(file.digest);
  }

  async #acquire(manifest: PackageManifest): Promise<HeldScene> {
    const key = manifestDigest(manifest);
    const known = this.#scenes.get(key);
    const entry = known ?? this.#start(key, manifest);
    entry.holders++;
    entry.usedAtMs = Date.now();
    try {
      // A package that is ready may have been damaged since: sizes are looked at each time it is taken.
      const scene = known ? await this.#checkedAgain(key, entry) : await entry.ready;
      return { scene, release: once(() => this.#release(entry)) };
    } catch (error) {
      this.#release(entry);
      throw error;
    }
  }

  /** Bytes of all blobs on disk. */
  get sizeBytes(): number {
    let sum = 0;
    for (const blob of this.#blobs.values()) sum += blob.sizeBytes;
    return sum;
  }

  /** Ends downloads under way, and waits for the eviction at work. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#fetching.values(), this.#evicting]);
    await this.#scenesFolder[Symbol.asyncDispose]();
  }

  get #blobsFolder(): string {
    return join(this.#options.folder, 'blobs');
  }

  #start(key: string, manifest: PackageManifest): CachedScene {
    const ready = this.#bring(key, manifest);
    const entry: CachedScene = { manifest, ready, holders: 0, usedAtMs: Date.now() };
    this.#scenes.set(key, entry);
    ready.catch(() => {
      if (this.#scenes.get(key) === entry) this.#scenes.delete(key);
    });
    return entry;
  }

  async #bring(key: string, manifest: PackageManifest): Promise<LocalScene> {
    const startMs = performance.now();
    const folder = join(this.#scenesFolder.path, key);
    const fetched = await this.#undisturbed(async () => {
      const bytes = await this.#ensureBlobs(manifest);
      await makeSceneFolder(manifest, folder, (digest) => this.#blobFile(digest));
      return bytes;
    });
    this.#options.logger.info(
      { files: manifest.files.length, bytes: fetched, durationMs: Math.round(performance.now() - startMs) },
      'scene package ready',
    );
    return { folder, entry: manifest.entry };
  }

  async #checkedAgain(key: string, entry: CachedScene): Promise<LocalScene> {
    const scene = await entry.ready;
    await this.#undisturbed(async () => {
      if ((await this.#ensureBlobs(entry.manifest)) === 0) return;
      await makeSceneFolder(entry.manifest, join(this.#scenesFolder.path, key), (digest) =>
        this.#blobFile(digest),
      );
    });
    return scene;
  }

  async #undisturbed<T>(work: () => Promise<T>): Promise<T> {
    this.#bringing++;
    try {
      await this.#evicting;
      return await work();
    } finally {
      this.#bringing--;
      void this.#evictSoon();
    }
  }

  /** @returns the bytes that had to be fetched. */
  async #ensureBlobs(manifest: PackageManifest): Promise<number> {
    const unique = [...new Map(manifest.files.map((file) => [file.digest, file])).values()];
    const fetched = await Promise.all(unique.map((blob) => this.#limit(() => this.#ensureBlob(blob))));
    return fetched.reduce((sum, bytes) => sum + bytes, 0);
  }

  async #ensureBlob(blob: BlobRef): Promise<number> {
    const underWay = this.#fetching.get(blob.digest);
    if (underWay) {
      await underWay;
      return blob.sizeBytes;
    }
    if (await this.#isSound(blob)) return 0;
    const download = (this.#fetching.get(blob.digest) ?? this.#download(blob)) as Promise<void>;
    await download;
    return blob.sizeBytes;
  }

  #download(blob: BlobRef): Promise<void> {
    const { coordinator, logger, silentMsMax } = this.#options;
    const file = this.#blobFile(blob.digest);
    const download = downloadBlob(blob, file, {
      coordinator,
      logger,
      signal: this.#closing.signal,
      onInterrupted: (failures, error) => {
        if (failures >= INTERRUPTIONS_IN_A_ROW) this.#interruptions.set(blob.digest, error);
        else this.#interruptions.delete(blob.digest);
      },
      ...(silentMsMax === undefined ? {} : { silentMsMax }),
    })
      .then(() => {
        this.#blobs.set(blob.digest, {
          sizeBytes: blob.sizeBytes,
          usedAtMs: Date.now(),
          isVerified: true,
        });
      })
      .finally(() => {
        this.#fetching.delete(blob.digest);
        this.#interruptions.delete(blob.digest);
      });
    this.#fetching.set(blob.digest, download);
    return download;
  }

  async #isSound(blob: BlobRef): Promise<boolean> {
    const file = this.#blobFile(blob.digest);
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!found) return false;
    const known = this.#blobs.get(blob.digest);
    const isSound =
      found.size === blob.sizeBytes && (known?.isVerified || (await digestOf(file)) === blob.digest);
    if (!isSound) {
      this.#options.logger.warn(
        { digest: blob.digest, bytes: found.size },
        'cached blob is damaged, fetching it again',
      );
      this.#blobs.delete(blob.digest);
      await rm(file, { force: true });
      return false;
    }
    const usedAtMs = Date.now();
    this.#blobs.set(blob.digest, { sizeBytes: blob.sizeBytes, usedAtMs, isVerified: true });
    // The next process goes by it.
    await utimes(file, usedAtMs / 1000, usedAtMs / 1000);
    return true;
  }

  #release(entry: CachedScene): void {
    entry.holders--;
    entry.usedAtMs = Date.now();
    void this.#evictSoon();
  }

  #evictSoon(): Promise<void> {
    this.#evicting = this.#evicting
      .then(() => this.#evict())
      .catch((error: unknown) => this.#options.logger.error({ err: error }, 'cannot evict from the cache'));
    return this.#evicting;
  }

  /** Blobs that no package here needs, oldest first; then packages that nobody holds, oldest first, with their blobs. */
  async #evict(): Promise<void> {
    while (this.#bringing === 0 && this.sizeBytes > this.#options.bytesMax)
      if (!(await this.#evictOldest([]))) return;
  }

  /**
   * Evicts until the disk has so many bytes, or nothing is left that may go. In its turn, so that a package that begins
   * meanwhile waits; those that are being brought already are held, and stay.
   * @returns whether anything went.
   */
  async #makeRoom(manifest: PackageManifest, neededBytes: number): Promise<boolean> {
    const { folder, logger } = this.#options;
    let evicted = 0;
    const making = this.#evicting.then(async () => {
      // At least one: where a quota is at its end, the disk may well have room.
      while (evicted === 0 || (await freeBytes(folder)) < neededBytes) {
        if (!(await this.#evictOldest([manifest]))) return;
        evicted++;
      }
    });
    this.#evicting = making.catch((error: unknown) =>
      logger.error({ err: error }, 'cannot evict from the cache'),
    );
    await this.#evicting;
    logger.warn({ evicted, neededBytes }, 'no space left in the cache');
    return evicted > 0;
  }

  /** @param wanted packages that are about to be brought: what is here of them stays. @returns false: nothing may go. */
  async #evictOldest(wanted: readonly PackageManifest[]): Promise<boolean> {
    const blob = this.#oldestLooseBlob(wanted);
    if (blob) {
      this.#blobs.delete(blob);
      await rm(this.#blobFile(blob), { force: true });
      return true;
    }
    const idle = [...this.#scenes].filter(([, scene]) => scene.holders === 0);
    const oldest = oldestOf(idle);
    if (oldest === undefined) return false;
    this.#scenes.delete(oldest);
    await rm(join(this.#scenesFolder.path, oldest), { recursive: true, force: true });
    return true;
  }

  #missingBytes(manifest: PackageManifest): number {
    const missing = new Map(manifest.files.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
    for (const digest of this.#blobs.keys()) missing.delete(digest);
    return [...missing.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  #oldestLooseBlob(wanted: readonly PackageManifest[]): Digest | undefined {
    const needed = new Set<Digest>();
    const held = [...this.#scenes.values()].map(({ manifest }) => manifest);
    for (const manifest of [...held, ...wanted]) for (const { digest } of manifest.files) needed.add(digest);
    return oldestOf([...this.#blobs].filter(([digest]) => !needed.has(digest)));
  }

  #blobFile(digest: Digest): string {
    return join(this.#blobsFolder, digest);
  }
}

function oldestOf<Key>(items: [Key, { usedAtMs: number }][]): Key | undefined {
  let oldest: [Key, { usedAtMs: number }] | undefined;
  for (const item of items) if (!oldest || item[1].usedAtMs < oldest[1].usedAtMs) oldest = item;
  return oldest?.[0];
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}
