import { createHash, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCoordinator } from '#coordinator/main.js';
import { call } from '#shared/wire/coordinator-client.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { MissingBlobsResponse__Output } from '#shared/wire/generated/guian/v1/MissingBlobsResponse.js';
import type { RenderSettings } from '#shared/wire/generated/guian/v1/RenderSettings.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { farmCalls, SCENE, SCENE_DIGEST, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterEach(async () => {
  if (!farm.isUp) await farm.start();
  await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const settings = (changes: RenderSettings): Partial<JobSpec> => ({
  settings: { ...spec().settings, ...changes },
});
const file = (path: string, changes = {}) => ({
  path,
  digest: SCENE_DIGEST,
  sizeBytes: SCENE.length,
  ...changes,
});

describe('a submit', () => {
  it('with a key that was used gives the same job, at once or later, and after a restart', async () => {
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => studio.submit(spec(), 'same-key')));
    expect([first, second, third].map((answer) => answer!.existed).sort()).toEqual([false, true, true]);
    expect(second!.job!.jobId).toBe(first!.job!.jobId);
    expect(third!.job!.jobId).toBe(first!.job!.jobId);
    await expect(studio.submit(spec({ frames: '9' }), 'same-key')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    await farm.close();
    await farm.start();
    const later = await studio.submit(spec(), 'same-key');
    expect(later).toMatchObject({ existed: true, job: { jobId: first!.job!.jobId } });
    await studio.cancel(first!.job!.jobId);
    expect(await studio.submit(spec(), 'same-key')).toMatchObject({
      existed: true,
      job: { state: 'cancelled' },
    });
  });

  it('fills in what was left out', async () => {
    const { job } = await studio.submit(
      spec({ name: '', frames: '', tile: '', settings: { renderer: 'synthetic' } }),
    );
    expect(job!.spec).toMatchObject({
      name: 's',
      studio: 'default',
      frames: '0',
      tile: 'auto',
      maxAttempts: 4,
      settings: {
        widthPx: 1920,
        heightPx: 1080,
        samples: 64,
        fps: 24,
        view: 'agx',
        layers: ['beauty'],
        formats: ['exr', 'png'],
      },
    });
    await studio.cancel(job!.jobId);
  });

  const bad: [string, Partial<JobSpec>, RegExp][] = [
    ['no manifest', { manifest: null }, /^spec\.manifest is missing/],
    [
      'tiles to be compared that are rendered by several threads',
      { verify: 0.5, settings: { renderer: 'synthetic', threadsPerSlot: 2 } },
      /^spec\.verify is 0\.5, and spec\.settings\.threads_per_slot 2: .*leave one of the two out/,
    ],
    [
      'an entry that is not there',
      { manifest: { entry: 'x', files: [file('s')] } },
      /^spec\.manifest.*entry/,
    ],
    [
      'a path that leaves the package',
      { manifest: { entry: 's', files: [file('s'), file('../x')] } },
      /^spec\.manifest\.files\.1\.path is "\.\.\/x"/,
    ],
    ['an absolute path', { manifest: { entry: '/s', files: [file('/s')] } }, /^spec\.manifest.*relative/],
    [
      'a bad digest',
      { manifest: { entry: 's', files: [file('s', { digest: 'ABC' })] } },
      /digest is "ABC": .*64 lower-case/,
    ],
    [
      'a wrong size',
      { manifest: { entry: 's', files: [file('s', { sizeBytes: 3 })] } },
      /"s" is listed with 3 bytes/,
    ],
    ['a bad range', { frames: '5-1' }, /^frames "5-1".*backwards/],
    ['too many frames', { frames: '0-9999999' }, /more than 131072 frames/],
    ['a bad tile', { tile: '3' }, /^tile "3"/],
    ['a bad studio', { studio: 'a b' }, /^spec\.studio is "a b"/],
    [
      'a tile time below a second',
      { tileTimeLimitMs: 1 },
      /^spec\.tile_time_limit_ms is 1: it must be 0 \(.*\), or from 1000 to 604800000$/,
    ],
    ['too many attempts', { maxAttempts: 101 }, /^spec\.max_attempts is 101/],
    ['a long name', { name: 'x'.repeat(129) }, /^spec\.name/],
    ['a renderer that cannot be', settings({ renderer: 'Magic!' }), /^spec\.settings\.renderer is "Magic!"/],
    [
      'a huge frame',
      settings({ widthPx: 32_000, heightPx: 32_000 }),
      /^spec\.settings\.width_px is 32000: .*pixels/,
    ],
    ['a wide frame', settings({ widthPx: 40_000 }), /^spec\.settings\.width_px is 40000/],
    ['absurd samples', settings({ samples: 1_000_000 }), /^spec\.settings\.samples is 1000000/],
    ['a bad frame rate', settings({ fps: -1 }), /^spec\.settings\.fps is -1/],
    ['an unknown view', settings({ view: 'x' }), /^spec\.settings\.view is "x"/],
    ['an unknown layer', settings({ layers: ['x'] }), /^spec\.settings\.layers\.0 is "x"/],
    ['an unknown format', settings({ formats: ['gif'] }), /^spec\.settings\.formats\.0 is "gif"/],
    [
      'a bad environment',
      settings({ environment: { kind: 'moon' } }),
      /^spec\.settings\.environment\.kind is "moon"/,
    ],
    ['a negative cost', settings({ synthetic: { costMsPerTile: -1 } }), /cost_ms_per_tile is -1/],
  ];
  it.each(bad)(
    'with %s is refused in one line that names field, value and what is allowed',
    async (_what, changes, message) => {
      const error = await studio.submit(spec(changes)).then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      expect(error).toMatchObject({ code: 'JOB_SPEC_INVALID', message: expect.stringMatching(message) });
      expect(error!.message).not.toContain('\n');
    },
  );

  it('without its files says which are missing; a bad key is refused', async () => {
    const missing = file('s', { digest: 'ab'.repeat(32) });
    await expect(studio.submit(spec({ manifest: { entry: 's', files: [missing] } }))).rejects.toMatchObject({
      code: 'BLOBS_MISSING',
      message: expect.stringMatching(/^1 of 1 files .*first: "s"/),
    });
    await expect(studio.submit(spec(), 'a b')).rejects.toThrow(/^idempotency_key is "a b"/);
    await expect(studio.submit(spec(), '')).rejects.toThrow(/^idempotency_key/);
  });

  it('of a scene that is none is refused by the judge', async () => {
    await expect(studio.submit(spec({ settings: { renderer: 'gltf' } }))).rejects.toMatchObject({
      code: expect.stringMatching(/^SCENE_/),
    });
  });
});

describe('jobs', () => {
  it('are listed newest first, in pages', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.unshift((await studio.submit()).job!.jobId);
      await delay(2);
    }
    const first = await studio.list(2, '', 'queued');
    const second = await studio.list(2, first.nextPageToken, 'queued');
    expect([...first.jobs, ...second.jobs].map(({ jobId }) => jobId)).toEqual(ids);
    expect(second.nextPageToken).toBe('');
    await expect(studio.list(2000, '')).rejects.toThrow(/^page_size is 2000/);
    await expect(studio.list(1, 'x')).rejects.toThrow(/^page_token "x"/);
    await expect(studio.list(1, '', 'x')).rejects.toThrow(/^state is "x"/);
    for (const id of ids) await studio.cancel(id);
  });

  it('that are unknown, ended or unfinished are answered with their own codes', async () => {
    await expect(studio.get('nobody')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await expect(studio.watch('nobody')).rejects.toThrow(/there is no job "nobody"/);
    await expect(studio.cancel('nobody')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    const { job } = await studio.submit(
      spec({ frames: '1', settings: { ...spec().settings, widthPx: 8, heightPx: 8 } }),
    );
    await expect(studio.download(job!.jobId, 1, 'exr')).rejects.toThrow(/frame 1 of job .* is not finished/);
    const agent = await studio.agent(job!.jobId);
    await studio.state(job!.jobId, 'finished');
    await agent.stop();
    await expect(studio.cancel(job!.jobId)).rejects.toMatchObject({ code: 'JOB_ALREADY_FINISHED' });
    await expect(studio.download(job!.jobId, 1, 'png')).rejects.toThrow(/not written as png; it has exr/);
    await expect(studio.download(job!.jobId, 1, 'gif')).rejects.toThrow(/^.*format is "gif"/);
  });

  it('are watched without a trace: a watcher that goes away leaves no consumer', async () => {
    const { job } = await studio.submit();
    const { eventsStream } = farm.bus.names;
    const consumers = async () => (await farm.bus.jsm.streams.info(eventsStream)).state.consumer_count;
    const before = await consumers();
    const stream = farm.client.jobs.watch({ jobId: job!.jobId, afterSequence: 0 });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('data', resolve));
    expect(await consumers()).toBe(before + 1);
    stream.cancel();
    await waitUntil(async () => (await consumers()) === before, {
      timeoutMs: TIMEOUT_MS,
      describe: 'no consumer',
    });
    await studio.cancel(job!.jobId);
  });
});

describe('blobs', () => {
  const missing = (digest: string) =>
    call<MissingBlobsResponse__Output>(farm.client, (options, done) =>
      farm.client.packages.missingBlobs({ blobs: [{ digest, sizeBytes: 1 }] }, options, done as never),
    );

  it('arrive in pieces over several connections, and come back whole', async () => {
    const bytes = randomBytes(700_000);
    const digest = createHash('sha256').update(bytes).digest('hex');
    expect((await missing(digest)).missing).toEqual([{ digest, offsetBytes: 0 }]);
    const part = bytes.subarray(0, 300_000);
    await expect(studio.upload(part, { digest, sizeBytes: bytes.length })).rejects.toThrow(
      /300000 of 700000/,
    );
    expect((await missing(digest)).missing).toEqual([{ digest, offsetBytes: 300_000 }]);
    await expect(studio.upload(bytes, { digest, offsetBytes: 5 })).rejects.toThrow(/holds 300000 bytes/);
    await studio.upload(bytes, { digest, offsetBytes: 300_000 });
    expect((await missing(digest)).missing).toEqual([]);
    await studio.upload(bytes, { digest });
    const chunks: Buffer[] = [];
    for await (const chunk of farm.client.packages.downloadBlob({ digest, offsetBytes: 100 }))
      chunks.push((chunk as { data: Buffer }).data);
    expect(Buffer.concat(chunks).equals(bytes.subarray(100))).toBe(true);
    await expect(stat(join(farm.config.storeDir, 'uploads', `${digest}.part`))).rejects.toThrow(/ENOENT/);
  });

  it('whose bytes are not those of the digest are thrown away', async () => {
    const digest = 'cd'.repeat(32);
    await expect(studio.upload(Buffer.from('no'), { digest })).rejects.toThrow(/do not match the digest/);
    await expect(studio.upload(Buffer.from('too long'), { digest, sizeBytes: 3 })).rejects.toThrow(
      /more than/,
    );
    expect((await missing(digest)).missing).toEqual([{ digest, offsetBytes: 0 }]);
    await expect(missing('x')).rejects.toThrow(/^blobs\.0\.digest is "x"/);
  });
});

describe('a second coordinator', () => {
  it('is refused the store, and the port, with the way out', async () => {
    await expect(runCoordinator(farm.config)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringMatching(/in use by the coordinator with process \d+/),
    });
    const taken = { ...farm.config, storeDir: `${farm.config.storeDir}-2`, listen: farm.client.address };
    await expect(runCoordinator(taken)).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining('--listen'),
    });
  });
});

describe('health', () => {
  it('says that the farm is serving', async () => {
    const loaded = grpc.loadPackageDefinition(protoLoader.loadSync(healthProto));
    const Health = (
      loaded as never as { grpc: { health: { v1: { Health: grpc.ServiceClientConstructor } } } }
    ).grpc.health.v1.Health;
    const client = new Health(farm.client.address, grpc.credentials.createInsecure());
    const answer = await new Promise((resolve, reject) =>
      client['check']!({ service: '' }, (error: Error | null, response: unknown) =>
        error ? reject(error) : resolve(response),
      ),
    );
    client.close();
    expect(answer).toMatchObject({ status: expect.toSatisfy((value) => value === 'SERVING' || value === 1) });
  });
});
