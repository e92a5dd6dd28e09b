/**
 * Content-addressed blobs of scene packages: `blobs/sha256/ab/<digest>`. A blob arrives in `uploads/<digest>.part`, which
 * survives a broken connection and a restart so that the upload goes on where it was, and gets its name only when the
 * bytes match the digest.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import { makeFolder, storeError, syncFolder } from './durable-file.js';
import { FileUses, sizeOfFile } from './file-uses.js';

export interface BlobStore {
  /** Absolute path of a blob, whether or not it is there. */
  pathOf(digest: Digest): string;
  /** Nothing when the store lacks it. Counts as a use: whoever was told that it is there finds it there later. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** Bytes that an unfinished upload has brought so far. Counts as a use. */
  uploadedBytes(digest: Digest): Promise<number>;
  /** Removes a blob that nobody has used since. @returns whether it is gone. */
  removeUnused(digest: Digest, unusedSinceMs: number): Promise<boolean>;
  /** The same for an unfinished upload. */
  removePart(digest: Digest, unusedSinceMs: number): Promise<boolean>;
  /**
   * Opens an upload; the caller closes it. One at a time per digest: a second one waits for the first.
   * @throws UPLOAD_OFFSET_MISMATCH when `offsetBytes` is not what the store holds.
   */
  openUpload(digest: Digest, sizeBytes: number, offsetBytes: number): Promise<BlobUpload>;
}

export interface BlobUpload {
  /** The blob was there already: nothing needs to be sent. */
  readonly isComplete: boolean;
  /** @throws DISK_FULL; BLOB_CORRUPT when more comes than was announced. */
  write(data: Uint8Array): Promise<void>;
  /** @throws BLOB_CORRUPT when the bytes do not match the digest (they are then thrown away). */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export function blobStore(storeDir: string): BlobStore {
  const pathOf = (digest: Digest) => join(storeDir, 'blobs', 'sha256', digest.slice(0, 2), digest);
  const partOf = (digest: Digest) => join(storeDir, 'uploads', `${digest}.part`);
  const turns = new Map<Digest, Promise<void>>();
  const uses = new FileUses();

  const remove = async (digest: Digest, path: string, unusedSinceMs: number): Promise<boolean> => {
    // Its upload is under way: it is used.
    if (turns.has(digest)) return false;
    const release = await takeTurn(turns, digest);
    try {
      return await uses.removeUnused(path, unusedSinceMs);
    } finally {
      release();
    }
  };

  return {
    pathOf,
    sizeOf: (digest) => uses.sizeOf(pathOf(digest)),
    uploadedBytes: async (digest) => (await uses.sizeOf(partOf(digest))) ?? 0,
    removeUnused: (digest, unusedSinceMs) => remove(digest, pathOf(digest), unusedSinceMs),
    removePart: (digest, unusedSinceMs) => remove(digest, partOf(digest), unusedSinceMs),
    async openUpload(digest, sizeBytes, offsetBytes) {
      const release = await takeTurn(turns, digest);
      try {
        if ((await uses.sizeOf(pathOf(digest))) !== undefined) return completeUpload(release);
        return await PartUpload.open(pathOf(digest), partOf(digest), digest, sizeBytes, offsetBytes, release);
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

function completeUpload(release: () => void): BlobUpload {
  return {
    isComplete: true,
    write: async () => undefined,
    finish: async () => undefined,
    close: async () => release(),
  };
}

class PartUpload implements BlobUpload {
  readonly isComplete = false;
  private readonly path: string;
  private readonly part: string;
  private readonly digest: Digest;
  private readonly sizeBytes: number;
  private readonly file: FileHandle;
  private readonly hash: Hash;
  private readonly release: () => void;
  private writtenBytes: number;

  private constructor(
    path: string,
    part: string,
    digest: Digest,
    sizeBytes: number,
    file: FileHandle,
    hash: Hash,
    writtenBytes: number,
    release: () => void,
  ) {
    this.path = path;
    this.part = part;
    this.digest = digest;
    this.sizeBytes = sizeBytes;
    this.file = file;
    this.hash = hash;
    this.writtenBytes = writtenBytes;
    this.release = release;
  }

  static async open(
    path: string,
    part: string,
    digest: Digest,
    sizeBytes: number,
    offsetBytes: number,
    release: () => void,
  ): Promise<PartUpload> {
    const heldBytes = (await sizeOfFile(part)) ?? 0;
    if (offsetBytes !== heldBytes)
      throw new FarmError(
        'UPLOAD_OFFSET_MISMATCH',
        `header.offset_bytes is ${offsetBytes}, but the store holds ${heldBytes} bytes of ${digest}; go on from there`,
        { digest, heldBytes },
      );
    const hash = createHash('sha256');
    if (heldBytes > 0) for await (const chunk of createReadStream(part)) hash.update(chunk as Buffer);
    const file = await open(part, 'a').catch((error: unknown) => {
      throw storeError(error, part);
    });
    return new PartUpload(path, part, digest, sizeBytes, file, hash, heldBytes, release);
  }

  async write(data: Uint8Array): Promise<void> {
    if (this.writtenBytes + data.byteLength > this.sizeBytes) {
      await rm(this.part, { force: true });
      throw this.corrupt(`more than the announced ${this.sizeBytes} bytes arrived`);
    }
    try {
      await this.file.appendFile(data);
    } catch (error) {
      throw storeError(error, this.part);
    }
    this.hash.update(data);
    this.writtenBytes += data.byteLength;
  }

  async finish(): Promise<void> {
    // The part stays: the client goes on from here after its connection broke.
    if (this.writtenBytes < this.sizeBytes)
      throw new FarmError(
        'UPLOAD_OFFSET_MISMATCH',
        `the upload of ${this.digest} ended at ${this.writtenBytes} of ${this.sizeBytes} bytes; go on from there`,
        { digest: this.digest, heldBytes: this.writtenBytes },
      );
    if (this.hash.digest('hex') !== this.digest) {
      await rm(this.part, { force: true });
      throw this.corrupt('the bytes do not match the digest');
    }
    try {
      await this.file.sync();
      await makeFolder(dirname(this.path));
      await rename(this.part, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  async close(): Promise<void> {
    try {
      await this.file.close();
    } finally {
      this.release();
    }
  }

  private corrupt(why: string): FarmError {
    return new FarmError('BLOB_CORRUPT', `upload of ${this.digest}: ${why}; send it again from the start`, {
      digest: this.digest,
    });
  }
}

/** Waits until nobody else holds `key`; call what it returns to let the next one in. */
async function takeTurn<Key>(turns: Map<Key, Promise<void>>, key: Key): Promise<() => void> {
  const before = turns.get(key) ?? Promise.resolve();
  let release = () => {};
  const mine = new Promise<void>((resolve) => {
    release = resolve;
  });
  const tail = before.then(() => mine);
  turns.set(key, tail);
  await before;
  return () => {
    release();
    if (turns.get(key) === tail) turns.delete(key);
  };
}
