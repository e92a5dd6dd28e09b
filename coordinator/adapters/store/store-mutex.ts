/**
 * One process of this machine at a time per store: a name in Linux's abstract socket namespace (unix(7)), which the kernel
 * gives to one and takes back however its owner ends. The lock file alone cannot be taken over without a gap.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';

/** @returns undefined when another process, or another part of this one, has it. */
export async function holdMutex(storeDir: string): Promise<AsyncDisposable | undefined> {
  // Elsewhere the lock file has to do.
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const key = createHash('sha256')
    .update(await realpath(storeDir))
    .digest('hex');
  const server = createServer((socket) => socket.destroy());
  server.listen(`\0guian-store-${key}`);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
