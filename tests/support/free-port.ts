/**
 * A port for a listener that goes away and comes back. Below those that the system gives to outgoing connections (Linux:
 * from 32768 on): while nobody listens, one of them could take its place, and the listener could not come back.
 */
import { createServer } from 'node:net';

const LOWEST = 12_000;
const HIGHEST = 32_000;

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
