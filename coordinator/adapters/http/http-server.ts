/**
 * What monitoring asks over HTTP: /metrics, /healthz (the process lives), /readyz (it serves). Nothing can be changed
 * here, and nothing is read of a request but its method and path.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FarmError, messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import type { FarmMetrics } from './farm-metrics.js';
import type { Readiness } from './readiness.js';

export interface HttpParts {
  readonly metrics: Pick<FarmMetrics, 'text' | 'contentType'>;
  readonly readiness: Pick<Readiness, 'look'>;
  readonly log: Logger;
}

export interface MonitoringServer {
  /** `host:port` */
  readonly address: string;
  /** From now on there is something to measure, and /readyz says yes unless something is wrong. */
  setServing(): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly contentType?: string;
}

const PLAIN = 'text/plain; charset=utf-8';
/** Monitoring is a handful of clients that ask every few seconds. */
const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8 * 1024;
/** For all of a request; whoever takes longer is no monitoring. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Longer than what lies between two scrapes as a rule, so that connections stay. */
const KEEP_ALIVE_MS = 65_000;
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * @param listen `host:port`; port 0 takes any free one.
 * @throws PORT_TAKEN naming the address and the way out.
 */
export async function startHttpServer(listen: string, parts: HttpParts): Promise<MonitoringServer> {
  const pages = new Pages(parts);
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      void pages.answer(request).then((answer) => send(answer, request, response));
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  const host = listen.slice(0, listen.lastIndexOf(':'));
  const port = await bind(server, listen);
  return {
    address: `${host}:${port}`,
    setServing: () => {
      pages.isServing = true;
    },
    async close() {
      pages.isServing = false;
      const force = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      clearTimeout(force);
    },
  };
}

class Pages {
  isServing = false;
  private readonly parts: HttpParts;
  private troubleTold = '';

  constructor(parts: HttpParts) {
    this.parts = parts;
  }

  /** Never rejects. */
  async answer({ method, url = '' }: IncomingMessage): Promise<Answer> {
    const page = this.pages[url.split('?', 1)[0]!];
    if (!page) return { status: 404, text: 'not found; there are /metrics, /healthz and /readyz\n' };
    if (method !== 'GET' && method !== 'HEAD')
      return { status: 405, text: 'only GET and HEAD are allowed\n' };
    try {
      return await page();
    } catch (err) {
      this.parts.log.error({ err }, 'a page for monitoring could not be made');
      return { status: 500, text: 'it could not be made; the log says why\n' };
    }
  }

  private readonly pages: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    // Without the prototype's names.
    __proto__: null as never,
    '/healthz': () => ({ status: 200, text: 'alive\n' }),
    '/readyz': () => this.ready(),
    '/metrics': () => this.metrics(),
  };

  private async metrics(): Promise<Answer> {
    // Advice of a scheduler that has not looked yet would send every machine away.
    if (!this.isServing) return STARTING;
    const { metrics } = this.parts;
    return { status: 200, text: await metrics.text(), contentType: metrics.contentType };
  }

  private async ready(): Promise<Answer> {
    if (!this.isServing) return STARTING;
    const troubles = await this.parts.readiness.look();
    const text = troubles.map(({ trouble }) => trouble).join('; ');
    if (text !== this.troubleTold) {
      this.troubleTold = text;
      const reason = troubles.map((one) => one.reason).join('; ');
      if (text === '') this.parts.log.info('ready again');
      else this.parts.log.warn({ trouble: text, reason }, 'not ready');
    }
    return text === '' ? { status: 200, text: 'ready\n' } : { status: 503, text: `not ready: ${text}\n` };
  }
}

const STARTING: Answer = { status: 503, text: 'not ready: the coordinator starts or stops\n' };

function send(
  { status, text, contentType = PLAIN }: Answer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0';
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
    // Nobody reads what a request brings along.
    ...(hasBody && { Connection: 'close' }),
  });
  // Node leaves the text out of an answer to HEAD.
  response.end(text);
}

async function bind(server: Server, listen: string): Promise<number> {
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  try {
    // In a worker of a cluster, too, the port is this process's own.
    server.listen({ host, port: Number(listen.slice(colon + 1)), exclusive: true });
    await once(server, 'listening');
  } catch (cause) {
    throw new FarmError(
      'PORT_TAKEN',
      `cannot serve metrics on ${listen} (${messageOf(cause)}); stop what uses this port, or take another with --http HOST:PORT`,
      { listen },
      { cause },
    );
  }
  return (server.address() as AddressInfo).port;
}
