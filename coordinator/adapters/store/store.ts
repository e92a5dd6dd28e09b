/** The store: a folder that holds the truth (jobs, frames, packages). Everything on the bus can be rebuilt from it. */
import { join, resolve } from 'node:path';
import type { Logger } from '#shared/log.js';
import { type AdminJournal, adminJournal } from './admin-journal.js';
import { type BlobStore, blobStore } from './blob-store.js';
import { makeFolder } from './durable-file.js';
import { type JobStore, jobStore } from './job-store.js';
import { type NodeStore, nodeStore } from './node-store.js';
import { removeUnfinished, type StoreFiles, storeFiles } from './store-files.js';
import { lockStore } from './store-lock.js';

export interface Store extends AsyncDisposable {
  readonly jobs: JobStore;
  readonly blobs: BlobStore;
  readonly nodes: NodeStore;
  readonly admin: AdminJournal;
  readonly files: StoreFiles;
}

/** @throws STORE_LOCKED when another live coordinator holds it; DISK_FULL. */
export async function openStore(storeDir: string, log: Logger): Promise<Store> {
  const root = resolve(storeDir);
  await makeFolder(root);
  const lock = await lockStore(root);
  try {
    for (const folder of ['jobs', 'nodes', 'admin', 'uploads', join('blobs', 'sha256')])
      await makeFolder(join(root, folder));
    const removed = await removeUnfinished(root);
    const blobs = blobStore(root);
    const admin = adminJournal(root, log);
    if (removed > 0) log.info({ files: removed }, 'half-written files of an earlier run removed');
    return {
      jobs: jobStore(root, log),
      blobs,
      nodes: nodeStore(root, log),
      admin,
      files: storeFiles(root, blobs),
      async [Symbol.asyncDispose]() {
        // No line is half-written when another coordinator may have the store.
        await admin[Symbol.asyncDispose]();
        await lock[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}
