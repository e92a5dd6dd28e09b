import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createLogger } from '#shared/log.js';
import { type HttpParts, type MonitoringServer, startHttpServer } from './http-server.js';

const PARTS: HttpParts = {
  metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'guian 1\n' },
  readiness: { look: async () => [] },
  log: createLogger('test', 'silent'),
};
let server: MonitoringServer | undefined;
afterEach(async () => {
  await server?.close();
});

async function start(changes: Partial<HttpParts> = {}): Promise<string> {
  server = await startHttpServer('127.0.0.1:0', { ...PARTS, ...changes });
  return `http://${server.address}`;
}

const get = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
};

it('is alive at once, and neither ready nor measured before it serves', async () => {
  const url = await start();
  expect(await get(`${url}/healthz`)).toMatchObject({ status: 200, text: 'alive\n' });
  for (const page of ['readyz', 'metrics'])
    expect(await get(`${url}/${page}`)).toMatchObject({
      status: 503,
      text: expect.stringMatching(/^not ready/),
    });
  server!.setServing();
  expect(await get(`${url}/readyz`)).toMatchObject({ status: 200, text: 'ready\n' });
  const metrics = await get(`${url}/metrics?name[]=guian`);
  expect(metrics).toMatchObject({ status: 200, text: 'guian 1\n' });
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(metrics.headers.get('cache-control')).toBe('no-store');
});

it('says what is wrong, and that nothing is wrong any more', async () => {
  let troubles = [{ trouble: 'no bus', reason: '/secret/path is gone' }];
  const url = await start({ readiness: { look: async () => troubles } });
  server!.setServing();
  expect(await get(`${url}/readyz`)).toMatchObject({ status: 503, text: 'not ready: no bus\n' });
  troubles = [];
  expect(await get(`${url}/readyz`)).toMatchObject({ status: 200 });
});

it('takes GET and HEAD of its three pages, and nothing else', async () => {
  const url = await start();
  const paths = ['/', '/metrics/', '//metrics', '/__proto__', '/constructor', '/%6detrics', '/../readyz/x'];
  for (const path of paths) expect((await get(`${url}${path}`)).status, path).toBe(404);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const { status, headers } = await get(`${url}/healthz`, { method });
    expect([status, headers.get('allow')], method).toEqual([405, 'GET, HEAD']);
  }
  const head = await get(`${url}/healthz`, { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, text: '' });
  expect(head.headers.get('content-length')).toBe('6');
});

it('answers without reading what a request brings along, and closes the connection on it', async () => {
  const { hostname, port } = new URL(await start());
  const request = httpRequest({ hostname, port, path: '/healthz', method: 'POST' });
  request.on('error', () => undefined);
  request.write('x'.repeat(1024));
  const [response] = await once(request, 'response');
  expect([response.statusCode, response.headers.connection]).toEqual([405, 'close']);
  response.resume();
  request.destroy();
});

it('refuses headers without end and what is no HTTP', async () => {
  const { hostname, port } = new URL(await start());
  for (const [bytes, answer] of [
    [`GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
    ['\0\0\0\0\r\n\r\n', /^HTTP\/1.1 400 /],
  ] as const) {
    const socket = connect(Number(port), hostname);
    let answered = '';
    socket.on('data', (data) => {
      answered += data.toString();
    });
    socket.on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'close');
    expect(answered).toMatch(answer);
  }
});

it('a page that cannot be made is no reason to stop', async () => {
  const text = () => Promise.reject(new Error('of no use'));
  const url = await start({ metrics: { contentType: 'text/plain', text } });
  server!.setServing();
  const answer = await get(`${url}/metrics`);
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('of no use');
  expect((await get(`${url}/healthz`)).status).toBe(200);
});

it('a port that is in use is named, with the way out', async () => {
  await start();
  const { address } = server!;
  await expect(startHttpServer(address, PARTS)).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringMatching(
      new RegExp(`^cannot serve metrics on ${address} \\(.*EADDRINUSE.*\\); .*--http HOST:PORT$`),
    ),
  });
});

it('closes at once, whoever is still connected', async () => {
  const { hostname, port } = new URL(await start());
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await server!.close();
  server = undefined;
  if (!socket.closed) await once(socket, 'close');
  await expect(fetch(`http://${hostname}:${port}/healthz`)).rejects.toThrow();
});
