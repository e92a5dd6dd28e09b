/** JetStream's disk runs full of results while no coordinator reads them; nothing of them is lost, and it is told. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '#cli/farm/free-port.js';
import { type RunningNatsServer, startNatsServer } from '#cli/farm/start-nats-server.js';
import { agentConfig } from '#node-agent/config.js';
import { runAgent } from '#node-agent/main.js';
import { connectBus } from '#shared/bus/connect.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { resolveConfig } from '#shared/config.js';
import { nodeIdSchema } from '#shared/domain/ids.js';
import { startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { mountTinyDisk } from '#tests/support/tiny-disk.js';
import { waitUntil } from '#tests/support/wait-until.js';

const MIB = 1024 ** 2;

it('results that find the disk of the bus full wait with their nodes; with room again the job finishes, and no pixel differs', async () => {
  using disk = mountTinyDisk(24 * MIB);
  if (!disk) return;
  const folder = mkdtempSync(join(tmpdir(), 'guian-full-bus-'));
  const logFile = join(folder, 'nats.log');
  const storeDir = join(disk.path, 'jetstream');
  const port = await freePort();
  let nats: RunningNatsServer = await startNatsServer({ storeDir, logFile, port });
  await using farm = await startCoordinatorFarm({ natsUrl: nats.url });
  await using bus = await connectBus(nats.url, 'test', 'test');
  const studio = farmCalls({
    bus,
    get client() {
      return farm.client;
    },
  } as typeof farm);
  await farm.startProcess();
  await studio.upload(SCENE);
  const agent = await runAgent({
    ...resolveConfig(agentConfig, {}),
    natsUrl: nats.url,
    prefix: 'test',
    coordinatorAddress: farm.client.address,
    nodeId: nodeIdSchema.parse('node-1'),
    slots: 2,
    cacheDir: folder,
    cacheBytesMax: 2 ** 30,
    logLevel: 'silent',
  });
  try {
    // 36 tiles of about 100 KB.
    const settings = { ...spec().settings, widthPx: 600, heightPx: 450 };
    const wanted = spec({ tile: '150', settings });
    const reference = (await studio.submit(wanted)).job!.jobId;
    await studio.state(reference, 'finished');
    const { jobId } = (
      await studio.submit({ ...wanted, settings: { ...settings, synthetic: { costMsPerTile: 150 } } })
    ).job!;
    await waitUntil(async () => (await studio.get(jobId)).progress!.tilesDone >= 3, {
      describe: 'a job in its middle',
    });
    await farm.killProcess();
    const tiles = await retryCall('look', () => bus.jsm.streams.info(bus.names.tilesStream));
    expect(tiles.state.messages, 'tiles that are still to be rendered').toBeGreaterThan(0);
    disk.fill(512 * 1024);
    // JetStream answers no more, or takes no more: a message of the test's own is refused.
    await waitUntil(
      () =>
        bus.js.publish('test.results.nobody.1.1.1.0', new Uint8Array(900_000), { timeout: 1_500 }).then(
          () => false,
          (error: Error) => `${error.name}: ${error.message}`,
        ),
      { describe: 'a stream that takes no more' },
    );
    disk.empty();
    await nats.stop();
    nats = await startNatsServer({ storeDir, logFile, port });
    await farm.startProcess();
    await waitUntil(async () => (await studio.get(jobId)).state === 'finished', {
      describe: () => `the end of the job; the coordinator said ${farm.processLog}`,
    });
    expect(await pixelDigests(studio, jobId)).toEqual(await pixelDigests(studio, reference));
    expect((await studio.get(jobId)).progress).toMatchObject({
      tilesDone: 36,
      tilesFailed: 0,
      framesFinished: 3,
    });
    for (const { frame, files } of await studio.frames(jobId)) {
      const bytes = await studio.download(jobId, frame, 'exr');
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(files[0]!.digest);
    }
    await studio.cleared(jobId);
  } finally {
    await agent.close(0);
    await farm.killProcess();
    await nats.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);
