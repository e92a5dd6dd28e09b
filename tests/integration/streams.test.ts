/** The one place that sets up the bus: makes what is not there, brings up to date what differs, and says what is in the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RetentionPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningNatsServer, startNatsServer } from '#cli/farm/start-nats-server.js';
import { connectBus } from '#shared/bus/connect.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { ensureStreams } from '#shared/bus/streams.js';
import { waitUntil } from '#tests/support/wait-until.js';

const folder = mkdtempSync(join(tmpdir(), 'guian-streams-'));
let server: RunningNatsServer;

beforeAll(async () => {
  server = await startNatsServer({ storeDir: join(folder, 'jetstream') });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('makes streams and buckets, and a second time changes nothing', async () => {
  await using bus = await connectBus(server.url, 'fresh', 'test');
  await ensureStreams(bus);
  const { config, created } = await bus.jsm.streams.info(bus.names.tilesStream);
  expect(config).toMatchObject({
    retention: 'workqueue',
    max_msgs_per_subject: 1,
    discard_new_per_subject: true,
  });
  await ensureStreams(bus);
  expect((await bus.jsm.streams.info(bus.names.tilesStream)).created).toBe(created);
});

it('brings a stream of an older configuration up to date, and leaves what an admin may choose', async () => {
  await using bus = await connectBus(server.url, 'old', 'test');
  const { eventsStream, eventsAll } = bus.names;
  await bus.jsm.streams.add({
    name: eventsStream,
    subjects: [eventsAll],
    max_age: nanos(3_600_000),
    max_bytes: 50_000_000,
  });
  await ensureStreams(bus);
  const { config } = await bus.jsm.streams.info(eventsStream);
  expect(config.max_age).toBe(nanos(30 * 24 * 3_600_000));
  expect(config.max_bytes).toBe(50_000_000);
});

it('refuses a stream that cannot be changed, in one line that says what is in the way', async () => {
  await using bus = await connectBus(server.url, 'wrong', 'test');
  const { tilesStream, tilesAll } = bus.names;
  await bus.jsm.streams.add({ name: tilesStream, subjects: [tilesAll], retention: RetentionPolicy.Limits });
  await expect(ensureStreams(bus)).rejects.toMatchObject({
    code: 'BUS_CONFLICT',
    message: expect.stringMatching(/^[^\n]*WRONG_TILES[^\n]*retention[^\n]*--prefix[^\n]*$/),
  });
});

it("refuses subjects that are somebody else's", async () => {
  await using bus = await connectBus(server.url, 'taken', 'test');
  await bus.jsm.streams.add({ name: 'SOMEBODY', subjects: ['taken.>'] });
  await expect(ensureStreams(bus)).rejects.toMatchObject({
    code: 'BUS_CONFLICT',
    message: expect.stringMatching(/overlap/),
  });
});

it('what is stored while its stream is lost waits until the stream is made again', async () => {
  await using bus = await connectBus(server.url, 'lost', 'test');
  await ensureStreams(bus);
  const bucket = await bus.kvm.open(bus.names.jobsBucket);
  await bus.jsm.streams.delete(`KV_${bus.names.jobsBucket}`);
  let tries = 0;
  const stored = retryCall('put a record', () => {
    tries++;
    return bucket.put('job', 'record');
  });
  await waitUntil(() => tries > 1, { describe: 'a second try' });
  await ensureStreams(bus);
  await stored;
  expect((await bucket.get('job'))?.string()).toBe('record');
});
