/** Publishing to streams on a real nats-server: stored once, refused, nobody there, and a server that stops answering. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamApiError } from '@nats-io/jetstream';
import { NoRespondersError, TimeoutError } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningNatsServer, startNatsServer } from '#cli/farm/start-nats-server.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { StreamPublisher } from '#shared/bus/stream-publisher.js';

const BODY = new TextEncoder().encode('a result');
let folder: string;
let nats: RunningNatsServer;
let bus: Bus;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-publisher-'));
  nats = await startNatsServer({ storeDir: join(folder, 'store') });
  bus = await connectBus(nats.url, 'test', 'test');
  await bus.jsm.streams.add({ name: 'S', subjects: ['s.>'], max_msg_size: 64 });
});

afterAll(async () => {
  await bus[Symbol.asyncDispose]();
  await nats.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('publishing to a stream', () => {
  it('stores every message of many that are on their way at once', async () => {
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => bus.publisher.publish(`s.many.${index}`, BODY)),
    );
    const { state } = await bus.jsm.streams.info('S', { subjects_filter: 's.many.>' });
    expect(Object.keys(state.subjects ?? {})).toHaveLength(500);
  });

  it('stores a message id once, however often it is sent', async () => {
    for (let time = 0; time < 3; time++) await bus.publisher.publish('s.once', BODY, { msgID: 'one' });
    const { state } = await bus.jsm.streams.info('S', { subjects_filter: 's.once' });
    expect(state.subjects).toEqual({ 's.once': 1 });
  });

  it("rejects with the server's refusal", async () => {
    const refused = bus.publisher.publish('s.large', new Uint8Array(1000));
    await expect(refused).rejects.toThrow(JetStreamApiError);
  });

  it('rejects when no stream takes the subject', async () => {
    await expect(bus.publisher.publish('nobody', BODY)).rejects.toThrow(NoRespondersError);
  });

  it('gives up after its time when the answer does not come', async () => {
    const silent = bus.connection.subscribe('silent', { callback: () => undefined });
    const publisher = new StreamPublisher(bus.connection, 150);
    const startMs = performance.now();
    await expect(publisher.publish('silent', BODY)).rejects.toThrow(TimeoutError);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(149);
    silent.unsubscribe();
  });
});
