import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectBus } from '#shared/bus/connect.js';
import { startNatsServer } from './start-nats-server.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-nats-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.for(['setpriv', 'sh'] as const)(
  'a server held by %s has JetStream, and keeps it across a kill',
  async (guard) => {
    const storeDir = join(folder, 'jetstream');
    const first = await startNatsServer({ storeDir, guard });
    {
      await using bus = await connectBus(first.url, 'test', 'test');
      await bus.jsm.streams.add({ name: 'S', subjects: ['s'] });
      await bus.js.publish('s', 'kept');
    }
    first.kill();
    await first.exited;
    await using second = await startNatsServer({ storeDir, guard, port: first.port });
    expect(second.url).toBe(first.url);
    await using bus = await connectBus(second.url, 'test', 'test');
    expect((await bus.jsm.streams.info('S')).state.messages).toBe(1);
  },
);

test('a port that is taken is told by its number', async () => {
  await using first = await startNatsServer({ storeDir: join(folder, 'one') });
  await expect(startNatsServer({ storeDir: join(folder, 'two'), port: first.port })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: `port ${first.port} for nats-server is taken; choose another one`,
  });
});
