import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startNatsServer } from '#cli/farm/start-nats-server.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { ensureStreams } from '#shared/bus/streams.js';
import { createLogger } from '#shared/log.js';
import { waitUntil } from '#tests/support/wait-until.js';
import type { Farm } from '../farm.js';
import { ResultReader } from './result-reader.js';

/** Longer than purges are gathered. */
const SLOW_MS = 400;

it('a purge that comes while a reading is being opened does not end all reading', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guian-result-reader-'));
  const stopping = new AbortController();
  const nats = await startNatsServer({ storeDir: join(folder, 'jetstream') });
  const bus = await connectBus(nats.url, 'test', 'test');
  try {
    await ensureStreams(bus);
    const taken: string[] = [];
    const farm = {
      bus: withSlowConsumers(bus),
      log: createLogger('coordinator', 'silent'),
      signal: stopping.signal,
    };
    const reader = new ResultReader(farm as Farm, (message) => taken.push(message.subject));
    await reader.start();
    await reader.purge('test.results.job.1.>');
    await bus.js.publish('test.results.job.2.0.1.0');
    await waitUntil(() => taken.length > 0, { timeoutMs: 10_000, describe: 'a result that is read' });
    expect(taken).toEqual(['test.results.job.2.0.1.0']);
    stopping.abort();
    await reader.stop();
  } finally {
    stopping.abort();
    await bus[Symbol.asyncDispose]();
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

/** As on a server that has just been started. */
function withSlowConsumers(bus: Bus): Bus {
  const consumers = Object.create(bus.js.consumers, {
    get: {
      value: async (...args: Parameters<typeof bus.js.consumers.get>) => {
        const consumer = await bus.js.consumers.get(...args);
        await delay(SLOW_MS);
        return consumer;
      },
    },
  });
  return { ...bus, js: Object.create(bus.js, { consumers: { value: consumers } }) };
}
