/** Requests that no client of ours makes: each ends with its own status and one line that says why; the coordinator goes on. */
import { createHash, randomBytes } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '#shared/wire/coordinator-client.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE, SCENE_DIGEST, spec } from '#tests/support/farm-calls.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: Error & { code: string | number; details?: unknown }) => error,
  );
const manifest = (count: number, pathOf: (index: number) => string) => ({
  entry: pathOf(0),
  files: Array.from({ length: count }, (_, index) => ({
    path: pathOf(index),
    digest: SCENE_DIGEST,
    sizeBytes: SCENE.length,
  })),
});

describe('an upload', () => {
  const chunked = (bytes: Buffer) => {
    const digest = createHash('sha256').update(bytes.subarray(0, 10)).digest('hex');
    return refusal(studio.upload(bytes, { digest }));
  };

  it('in chunks that are too large is refused, and so is one that no message holds', async () => {
    expect(await chunked(Buffer.alloc(2 * 2 ** 20))).toMatchObject({
      code: grpc.status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^data has 2097152 bytes; send chunks of at most 1048576$/),
    });
    expect(await chunked(Buffer.alloc(100 * 2 ** 20))).toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
    });
    await studio.upload(randomBytes(1000));
  });

  it.each([
    ['nothing', (stream: grpc.ClientWritableStream<object>) => stream, /ended before its header/],
    [
      'data before its header',
      (stream: grpc.ClientWritableStream<object>) => stream.write({ data: Buffer.from('x') }),
      /first message of an upload must be its header/,
    ],
    [
      'a digest that is a path',
      (stream: grpc.ClientWritableStream<object>) =>
        stream.write({ header: { blob: { digest: '../../etc/passwd', sizeBytes: 1 }, offsetBytes: 0 } }),
      /^header\.blob\.digest is "\.\.\/\.\.\/etc\/passwd": a digest is 64/,
    ],
    [
      'a size beyond all bounds',
      (stream: grpc.ClientWritableStream<object>) =>
        stream.write({ header: { blob: { digest: 'ab'.repeat(32), sizeBytes: 2 ** 50 }, offsetBytes: 0 } }),
      /^header\.blob\.size_bytes is 1125899906842624/,
    ],
  ])('of %s is refused', async (_what, write, message) => {
    const error = await refusal(
      new Promise<void>((resolve, reject) => {
        const stream = farm.client.packages.uploadBlob((failed) => (failed ? reject(failed) : resolve()));
        stream.on('error', () => undefined);
        write(stream as never);
        stream.end();
      }),
    );
    expect(error).toMatchObject({
      code: grpc.status.INVALID_ARGUMENT,
      details: expect.stringMatching(message),
    });
  });
});

describe('a list', () => {
  it.each([
    ['a huge page', { pageSize: 1_000_000 }, /^page_size is 1000000/],
    ['a token of another list', { pageToken: 'valley' }, /^page_token is /],
    ['a negative token', { pageToken: '-5' }, /^page_token is /],
  ])('of frames with %s is refused', async (_what, request, message) => {
    const { job } = await studio.submit(spec({ frames: '1' }));
    const error = await refusal(
      call(farm.client, (options, done) =>
        farm.client.frames.list({ jobId: job!.jobId, ...request }, options, done as never),
      ),
    );
    expect(error).toMatchObject({ code: 'JOB_SPEC_INVALID', message: expect.stringMatching(message) });
    await studio.cancel(job!.jobId);
  });

  it('of 20,000 blobs is refused', async () => {
    const blobs = Array.from({ length: 20_000 }, () => ({ digest: SCENE_DIGEST, sizeBytes: 1 }));
    const error = await refusal(
      call(farm.client, (options, done) =>
        farm.client.packages.missingBlobs({ blobs }, options, done as never),
      ),
    );
    expect(error.message).toBe('blobs has 20000 entries; at most 10000 are allowed');
  });
});

describe('a name that is none', () => {
  it('of a job, a frame or a blob is answered with its own code, in one line', async () => {
    const evil = 'a\nb\u001b[31m../../x';
    for (const error of [await refusal(studio.get(evil)), await refusal(studio.cancel(evil))]) {
      expect(error.code).toBe('JOB_NOT_FOUND');
      for (const raw of ['\n', '\u001b']) expect(error.message).not.toContain(raw);
    }
    expect(await refusal(studio.download('nobody', 1, 'exr'))).toMatchObject({
      code: grpc.status.NOT_FOUND,
    });
    expect(await refusal(studio.watch(evil))).toMatchObject({ code: grpc.status.NOT_FOUND });
    const { job } = await studio.submit(spec({ frames: '1' }));
    expect(await refusal(studio.download(job!.jobId, -7, 'exr'))).toMatchObject({
      code: grpc.status.NOT_FOUND,
    });
    await studio.cancel(job!.jobId);
    const blob = async () => {
      for await (const _chunk of farm.client.packages.downloadBlob({
        digest: 'ab'.repeat(32),
        offsetBytes: 0,
      }));
    };
    expect(await refusal(blob())).toMatchObject({ code: grpc.status.NOT_FOUND });
  });
});

describe('a submit', () => {
  it('of 20,000 files is refused', async () => {
    const error = await refusal(studio.submit(spec({ manifest: manifest(20_000, (index) => `f${index}`) })));
    expect(error).toMatchObject({
      code: 'JOB_SPEC_INVALID',
      message: expect.stringMatching(/^spec\.manifest\.files: .*10000/),
    });
  });

  it('of as many files as are allowed renders, though its record is larger than a message of the bus', async () => {
    const wanted = spec({
      frames: '1',
      manifest: manifest(10_000, (index) => `textures/a-folder-with-a-long-name/${index}.png`),
    });
    const { job } = await studio.submit(wanted);
    const agent = await studio.agent(job!.jobId);
    await studio.state(job!.jobId, 'finished');
    await agent.stop();
    await studio.cleared(job!.jobId);
  });

  it('whose record the bus cannot hold is refused before anything is written', async () => {
    const path = (index: number) => `${index}-${randomBytes(240).toString('hex')}`;
    const paths = Array.from({ length: 10_000 }, (_, index) => path(index));
    const error = await refusal(
      studio.submit(spec({ manifest: manifest(10_000, (index) => paths[index]!) })),
    );
    expect(error).toMatchObject({
      code: 'JOB_SPEC_INVALID',
      message: expect.stringMatching(/^spec: its 10000 files .* the bus takes \d+; shorten paths/),
    });
  });

  it('that is cancelled at once leaves nothing on the bus', async () => {
    const ids = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { job } = await studio.submit();
        await studio.cancel(job!.jobId);
        return job!.jobId;
      }),
    );
    for (const id of ids) await studio.cleared(id);
  });
});
