/** A studio's failed frames: why they failed, and how they are rendered again once the fault is mended; real processes. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { guian, testFolder } from './cli-program.js';

/** While it is there, tile 16,0 (the second one) of each frame fails. */
const FAULT = `guian-fault-${randomBytes(6).toString('hex')}`;
const faultFile = join(tmpdir(), FAULT);
/** 24 tiles a frame. */
const JOB = [
  '--renderer',
  'synthetic',
  '--frames',
  '1-3',
  '--size',
  '96x64',
  '--tile',
  '16',
  '--format',
  'exr',
];
const FRAMES = ['shot.0001.exr', 'shot.0002.exr', 'shot.0003.exr'];

let farm: Farm;
const folder = testFolder();
const to = () => ['--coordinator', farm.coordinatorAddress];

interface Event {
  readonly kind: string;
  readonly sequence: number;
  readonly frame?: number;
  readonly tile?: number;
  readonly attempt?: number;
}

beforeAll(async () => {
  writeFileSync(faultFile, '');
  const scene = { failTiles: ['16,0'], failWhileFile: FAULT, costMs: 20 };
  writeFileSync(join(folder.work, 'shot.json'), JSON.stringify(scene));
  farm = await startFarm({ agents: 2, slots: 1, onNotice: () => undefined });
});
afterAll(async () => {
  await farm?.stop();
  rmSync(faultFile, { force: true });
  folder[Symbol.dispose]();
});

/** @returns what it printed. */
async function run(args: readonly string[], code = 0): Promise<string> {
  const ended = await guian([...args, ...to()], folder);
  expect(ended.code, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`).toBe(code);
  return ended.stdout + ended.stderr;
}

async function events(jobId: string, ...flags: string[]): Promise<Event[]> {
  const lines = (await run(['job', 'events', jobId, '--json', ...flags])).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Event);
}

async function failedAttempts(jobId: string): Promise<Record<number, number[]>> {
  const shown = JSON.parse(await run(['job', 'show', jobId, '--json']));
  const attempts: Record<number, number[]> = {};
  for (const { frame, failedTiles } of shown.failedFrames) {
    expect(failedTiles).toHaveLength(1);
    for (const { nodeId, atMs, code, message, logTail } of failedTiles[0].attempts) {
      expect({ code, nodeId: typeof nodeId, isRecent: Date.now() - atMs < 600_000 }).toEqual({
        ...{ code: 'RENDER_FAILED', nodeId: 'string', isRecent: true },
      });
      expect(message).toMatch(/tile 16,0 fails/);
      expect(logTail).toMatch(/the scene asks for tile 16,0 to fail/);
    }
    attempts[frame] = failedTiles[0].attempts.map(({ attempt }: { attempt: number }) => attempt);
  }
  return attempts;
}

/** An attempt that no node was left to take is queued again under the next number, and is no try. */
function expectFourTries(attempts: readonly number[], after: number): void {
  expect(attempts).toHaveLength(4);
  expect(attempts).toEqual([...new Set(attempts)].sort((a, b) => a - b));
  expect(attempts[0]).toBeGreaterThan(after);
}

it('a failed job says who tried what, and renders just its failed frames once the fault is mended', async () => {
  const [jobId = ''] = (await run(['submit', 'shot.json', ...JOB, '--wait'], 1)).split('\n');
  const first = await failedAttempts(jobId);
  expect(Object.keys(first)).toEqual(['1', '2', '3']);
  for (const attempts of Object.values(first)) expectFourTries(attempts, 0);
  expect(await run(['job', 'show', jobId])).toMatch(
    /\n {2}frame 0002, tile 1: 4 tries \(.+\): RENDER_FAILED: tile/,
  );

  // What is wrong is said in one line, and nothing of it has happened.
  expect(await run(['job', 'retry', jobId, '--frames', '2-4'], 2)).toMatch(
    /4 is not a frame of job .* has 1-3\n/,
  );
  expect(await run(['job', 'retry', jobId, '--frames', 'x'], 2)).toMatch(/"x" is not a frame or a range/);

  // The fault is still there: other tries, under numbers of their own, in place of the first.
  expect(await run(['job', 'retry', jobId, '--frames', '2', '--wait'], 1)).toMatch(/renders frames 2 again/);
  const again = await failedAttempts(jobId);
  expect(again).toEqual({ ...first, 2: again[2] });
  expectFourTries(again[2]!, first[2]!.at(-1)!);

  rmSync(faultFile);
  const waited = await run(['job', 'retry', jobId, '--frames', '2', '--wait'], 1);
  expect(waited).toMatch(/ended as finished_with_failures/);
  expect(Object.keys(await failedAttempts(jobId))).toEqual(['1', '3']);

  // Killed as soon as it has answered, the coordinator goes on with what it has promised.
  expect(await run(['job', 'retry', jobId])).toMatch(/renders frames 1,3 again/);
  await farm.coordinator.crash();
  await run(['frames', jobId, '--wait', '--out', 'retried'], 0);
  expect(await failedAttempts(jobId)).toEqual({});
  expect(await run(['job', 'retry', jobId], 2)).toMatch(/no frame has failed/);

  // The same pixels as a render that nothing went wrong with.
  await run(['render', ...JOB, '--name', 'shot', '--out', 'undisturbed']);
  expect(readdirSync(join(folder.work, 'retried')).sort()).toEqual(FRAMES);
  for (const name of FRAMES) {
    const [retried, undisturbed] = ['retried', 'undisturbed'].map((out) =>
      decodeExr(readFileSync(join(folder.work, out, name))),
    );
    expect(retried!.planes).toEqual(undisturbed!.planes);
    expect(retried!.planes.length).toBeGreaterThan(0);
  }

  // The whole story, each part of it once and in order.
  let story: Event[] = [];
  const ends = () => story.filter(({ kind }) => kind === 'finished').length;
  await waitUntil(
    async () => {
      story = await events(jobId);
      return ends() >= 4;
    },
    { timeoutMs: 60_000, describe: () => `four ends: ${JSON.stringify(story)}` },
  );
  const count = (kind: string, frame?: number) =>
    story.filter((event) => event.kind === kind && (frame === undefined || event.frame === frame)).length;
  expect(story.map(({ kind }) => kind).slice(0, 2)).toEqual(['submitted', 'started']);
  expect(story.at(-1)!.kind).toBe('finished');
  expect([1, 2, 3].map((frame) => count('attempt_failed', frame))).toEqual([4, 8, 4]);
  expect([1, 2, 3].map((frame) => count('tile_failed', frame))).toEqual([1, 2, 1]);
  expect([1, 2, 3].map((frame) => count('frame_failed', frame))).toEqual([1, 2, 1]);
  expect([1, 2, 3].map((frame) => count('frame_finished', frame))).toEqual([1, 1, 1]);
  expect(['submitted', 'started', 'retried', 'finished'].map((kind) => count(kind))).toEqual([1, 1, 3, 4]);
  const second = story.filter((event) => event.frame === 2);
  const told = await events(jobId, '--frame', '2');
  expect(told.slice(0, second.length)).toEqual(second);
  const tiles = told.slice(second.length);
  expect(tiles.length).toBeGreaterThan(1);
  expect(tiles.map(({ kind, frame, tile }) => ({ kind, frame, tile }))).toEqual(
    tiles.map((_, tile) => ({ kind: 'tile_finished', frame: 2, tile })),
  );
  // The tile that failed is rendered by a try that came after all of those.
  expect(tiles[1]!.attempt).toBeGreaterThan(again[2]!.at(-1)!);
  expect(await events(jobId, '--follow')).toEqual(story);
  const text = (await run(['job', 'events', jobId, '--frame', '2'])).trim().split('\n');
  expect(text).toHaveLength(1 + second.length + tiles.length);
  expect(text.at(-1)).toMatch(/^tile \d+: rendered by node \S+, attempt \d+, \S+$/);
  const ofTile = (await run(['job', 'events', jobId, '--frame', '2', '--tile', '1'])).trim().split('\n');
  expect(ofTile).toHaveLength(1 + second.filter(({ tile }) => tile === 1).length + 1);
  expect(ofTile.at(-1)).toMatch(/^tile 1: rendered by node /);
  expect(text[0]).toMatch(/^TIME +EVENT +FRAME +TILE +TRY +NODE +MESSAGE$/);
  expect(text.find((line) => /attempt_failed/.test(line))).toMatch(
    /^\S+Z +attempt_failed +0002 +1 +1 +\S+ +RENDER_FAILED: /,
  );
});
