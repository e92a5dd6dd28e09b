/**
 * A port for a part that may die and comes back. Below those that the system gives to outgoing connections (Linux: from
 * 32768 on): while nobody listens, one of them could take its place, and the part could not come back.
 */
import { createServer } from 'node:net';
import { FarmError } from '#shared/errors.js';

const LOWEST = 12_000;
const HIGHEST = 32_000;
const TRIES_MAX = 10;

/**
 * @param start  with a port of loopback that was free a moment ago; called again with another when it was taken since.
 * @throws what `start` throws; PORT_TAKEN after ten tries.
 */
export async function withFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await start(await freePort());
    } catch (error) {
      const isTaken = error instanceof FarmError && error.code === 'PORT_TAKEN';
      if (!isTaken || tries === TRIES_MAX) throw error;
    }
  }
}

/** On loopback. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
