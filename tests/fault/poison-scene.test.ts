/**
 * Scenes that go wrong on every node, in every way that a renderer can: the job ends with failures and says why, and
 * another studio's job on the same farm, of real processes, finishes meanwhile as if nothing had happened.
 */
import { createHash, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { type CoordinatorClient, connectCoordinator } from '#shared/wire/coordinator-client.js';
import { farmCalls, spec } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';

const MAX_ATTEMPTS = 2;
const FAULT = `guian-fault-${randomBytes(6).toString('hex')}`;
const faultFile = join(tmpdir(), FAULT);

let farm: Farm;
let bus: Bus;
let client: CoordinatorClient;
let studio: ReturnType<typeof farmCalls>;
let wanted: string[];

/** Three frames of twelve tiles. */
async function submitScene(scene: object, name: string, frames = '1-3'): Promise<string> {
  const bytes = Buffer.from(JSON.stringify({ costMs: 0, waitMs: 30, ...scene }));
  await studio.upload(bytes);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const manifest = { entry: 's.json', files: [{ path: 's.json', digest, sizeBytes: bytes.length }] };
  const { job } = await studio.submit(spec({ studio: name, frames, manifest, maxAttempts: MAX_ATTEMPTS }));
  return job!.jobId;
}

const ended = (jobId: string, state: string) => studio.state(jobId, state);

beforeAll(async () => {
  writeFileSync(faultFile, '');
  farm = await startFarm({ agents: 2, slots: 1, onNotice: () => undefined });
  bus = await connectBus(farm.natsUrl, 'guian', 'test');
  client = connectCoordinator(farm.coordinatorAddress);
  studio = farmCalls({ client, bus });
  const jobId = await submitScene({}, 'reference');
  await ended(jobId, 'finished');
  wanted = await pixelDigests(studio, jobId);
});
afterEach(async () => {
  await studio.cancelAll();
});
afterAll(async () => {
  client?.close();
  await bus?.[Symbol.asyncDispose]();
  await farm?.stop();
  rmSync(faultFile, { force: true });
});

const POISON: readonly [string, object, RegExp][] = [
  ['throws in a tile', { failTiles: ['32,0'] }, /RENDER_FAILED/],
  ['crashes its thread in a tile', { crashTiles: ['32,0'] }, /RENDER_FAILED/],
  ['ends its thread in a tile', { exitTiles: ['32,0'] }, /RENDER_FAILED/],
  ['crashes in the preparation', { prepareFault: 'crash' }, /./],
  ['ends its thread in the preparation', { prepareFault: 'exit' }, /./],
];
/** Agents are started again a few times only. */
const KILLS: (typeof POISON)[number] = ['kills its agent in a tile', { killTiles: ['32,0'] }, /NODE_LOST/];

describe("a poison scene ends with failures, and another studio's job finishes meanwhile, when it", () => {
  it.each([...POISON, KILLS])('%s', async (_what, scene, code) => {
    const poisoned = await submitScene(scene, 'poisoned', scene === KILLS[1] ? '1' : '1-3');
    const good = await submitScene({}, 'innocent');
    await ended(good, 'finished');
    expect(await pixelDigests(studio, good)).toEqual(wanted);
    const { progress } = await studio.get(good);
    expect(progress).toMatchObject({ tilesDone: 36, tilesFailed: 0, attemptsFailed: 0 });
    await ended(poisoned, 'finished_with_failures');
    const frames = await studio.frames(poisoned);
    expect(new Set(frames.map(({ state }) => state))).toEqual(new Set(['failed']));
    for (const { failedTiles } of frames) {
      expect(failedTiles).toHaveLength(1);
      const { attempts } = failedTiles[0]!;
      expect(attempts).toHaveLength(MAX_ATTEMPTS);
      for (const attempt of attempts) {
        expect(`${attempt.code}: ${attempt.message}`).toMatch(code);
        expect(attempt.nodeId).not.toBe('');
        expect(attempt.atMs).toBeGreaterThan(0);
      }
    }
    await studio.cleared(poisoned);
    await studio.cleared(good);
  });
});

it('its failed frames are rendered by a retry, once it is mended, and the finished ones are left alone', async () => {
  const jobId = await submitScene({ failTiles: ['32,0'], failWhileFile: FAULT }, 'poisoned');
  await ended(jobId, 'finished_with_failures');
  rmSync(faultFile);
  await studio.retry(jobId);
  await ended(jobId, 'finished');
  expect(await pixelDigests(studio, jobId)).toEqual(wanted);
  await studio.cleared(jobId);
});
