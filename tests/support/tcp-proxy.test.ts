import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { waitUntil } from './wait-until.js';

/** Says everything again. */
let echo: Server;
let proxy: TcpProxy;
const clients: Socket[] = [];
const portOf = (server: Server) => (server.address() as { port: number }).port;
beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  proxy = await startTcpProxy(portOf(echo));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy[Symbol.asyncDispose]();
  await new Promise((resolve) => echo.close(resolve));
});

async function connected(port = proxy.port) {
  const socket = openSocket(port, '127.0.0.1');
  clients.push(socket);
  const seen = { text: '', error: '', isClosed: false };
  socket.on('data', (data) => {
    seen.text += data.toString();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code ?? '';
  });
  socket.on('close', () => {
    seen.isClosed = true;
  });
  await waitUntil(() => socket.readyState === 'open' || seen.error || seen.isClosed, {
    timeoutMs: 2_000,
    describe: 'a connection',
  });
  return {
    socket,
    seen,
    reads: (text: string) =>
      until(
        () => seen.text === text,
        () => seen.text,
      ),
  };
}
const until = (holds: () => boolean, describe: () => string) =>
  waitUntil(holds, { timeoutMs: 2_000, describe });

it('passes bytes both ways, and counts them', async () => {
  const { socket, seen, reads } = await connected();
  socket.write('hello');
  await reads('hello');
  expect(proxy.counts).toMatchObject({ accepted: 1, open: 1, cut: 0, bytesUp: 5, bytesDown: 5 });
  socket.end();
  await until(
    () => seen.isClosed && proxy.counts.open === 0,
    () => `${proxy.counts.open} open`,
  );
  expect(seen.error).toBe('');
});

it('passes megabytes unharmed while its ends read slowly', async () => {
  const { socket, seen } = await connected();
  const bytes = Buffer.alloc(20 * 1024 * 1024, 'abcdefg');
  socket.pause();
  socket.write(bytes);
  proxy.stall();
  await until(
    () => proxy.counts.open === 1,
    () => 'a connection',
  );
  proxy.flow();
  socket.resume();
  await until(
    () => seen.text.length === bytes.length,
    () => `${seen.text.length} bytes`,
  );
  expect(seen.text === bytes.toString()).toBe(true);
});

it('resets every connection when it is cut, and takes new ones', async () => {
  const { seen } = await connected();
  await until(
    () => proxy.counts.open === 1,
    () => 'open',
  );
  expect(proxy.cut()).toBe(1);
  await until(
    () => seen.isClosed,
    () => 'a reset',
  );
  expect(seen.error).toBe('ECONNRESET');
  const again = await connected();
  again.socket.write('back');
  await again.reads('back');
});

it('refuses new connections and keeps the old ones', async () => {
  const old = await connected();
  await proxy.refuse();
  expect((await connected()).seen.error).toBe('ECONNREFUSED');
  old.socket.write('still here');
  await old.reads('still here');
  await proxy.accept();
  expect((await connected()).seen.error).toBe('');
});

it('holds back what a stalled link is given, then passes it in order', async () => {
  const { socket, seen, reads } = await connected();
  proxy.stall('down');
  for (const text of ['1', '2', '3']) socket.write(text);
  await until(
    () => proxy.counts.bytesUp === 3,
    () => `${proxy.counts.bytesUp} up`,
  );
  proxy.stall('up');
  socket.write('4');
  expect(seen.text).toBe('');
  proxy.flow();
  await reads('1234');
  expect(seen.isClosed).toBe(false);
});

it('is as late as it is told, and keeps the order when it is told to hurry', async () => {
  const { socket, reads } = await connected();
  proxy.delay(100, 50);
  const startMs = performance.now();
  socket.write('a');
  await until(
    () => proxy.counts.bytesUp === 1,
    () => 'a',
  );
  proxy.delay(0, 0);
  socket.write('b');
  await reads('ab');
  expect(performance.now() - startMs).toBeGreaterThan(95);
});

it('ends the connection of a client whose target is not there', async () => {
  const nobody = createServer();
  await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve));
  const port = portOf(nobody);
  await new Promise((resolve) => nobody.close(resolve));
  await using lonely = await startTcpProxy(port);
  const { seen } = await connected(lonely.port);
  await until(
    () => seen.isClosed,
    () => 'closed',
  );
});

it('lets a filter swallow, change and see what passes', async () => {
  const passed: string[] = [];
  await using filtered = await startTcpProxy(portOf(echo), () => ({
    up: (chunk) => {
      passed.push(chunk.toString());
      return passed.length === 1 ? undefined : chunk;
    },
    down: (chunk) => Buffer.from(chunk.toString().toUpperCase()),
  }));
  const { socket, reads } = await connected(filtered.port);
  socket.write('secret');
  await until(
    () => passed.length === 1,
    () => 'the first chunk',
  );
  socket.write('public');
  await reads('PUBLIC');
  expect(passed).toEqual(['secret', 'public']);
});
