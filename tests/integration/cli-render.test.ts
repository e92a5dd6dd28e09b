/** `guian render` and `guian up` with real processes: frames come out, and nothing stays behind however it ends. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { waitUntil } from '../support/wait-until.js';
import { childrenOf, guian, isRunning, type RunningProgram, startGuian, testFolder } from './cli-program.js';

/** Of a wait that only ends in vain when the thing never comes. */
const TIMEOUT_MS = 60_000;
const folder = testFolder();
let running: RunningProgram[] = [];
/** It is ended with its test at the latest, and its parts with it. */
const start = (args: readonly string[]): RunningProgram => {
  const program = startGuian(args, folder);
  running.push(program);
  return program;
};
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
  // What a failed test has left there fails no other.
  for (const name of readdirSync(folder.tmp))
    rmSync(join(folder.tmp, name), { recursive: true, force: true, maxRetries: 5 });
});
afterAll(() => folder[Symbol.dispose]());

const SYNTHETIC = ['render', '--renderer', 'synthetic', '--size', '160x90', '--tile', '32'];
const LONG = [...SYNTHETIC, '--frames', '0-99', '--cost', '400', '--json'];

test('a job is rendered, its frames are verified, and the first picture is named', async () => {
  const old = join(folder.work, 'renders', 'synthetic');
  mkdirSync(old, { recursive: true });
  writeFileSync(join(old, 'synthetic.0099.png'), 'of another run');
  writeFileSync(join(old, 'synthetic.0001.png'), 'will be replaced');
  const { code, stdout, stderr } = await guian(
    [...SYNTHETIC, '--frames', '1-3', '--format', 'exr,png'],
    folder,
  );
  expect(stderr).toMatch(/frame 0001: .*\n(.*\n)*3 frames in .* \(45 tiles, .* tiles\/s\)/);
  expect(stdout).toBe('renders/synthetic/synthetic.0001.png\n');
  expect(code).toBe(0);
  expect(readdirSync(old).sort()).toEqual([
    'synthetic.0001.exr',
    'synthetic.0001.png',
    'synthetic.0002.exr',
    'synthetic.0002.png',
    'synthetic.0003.exr',
    'synthetic.0003.png',
    'synthetic.0099.png',
  ]);
  expect(readFileSync(join(old, 'synthetic.0099.png'), 'utf8')).toBe('of another run');
  expect(readFileSync(join(old, 'synthetic.0001.png')).subarray(1, 4).toString()).toBe('PNG');
  expect(readdirSync(folder.tmp)).toEqual([]);
});

test('with --json every line is an event and the last one sums up', async () => {
  const { code, stdout } = await guian(
    [...SYNTHETIC, '--frames', '0', '--json', '--out', 'json-out'],
    folder,
  );
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map((line) => line['kind'])).toEqual(
    expect.arrayContaining(['submitted', 'frame_finished', 'frame_written', 'summary']),
  );
  expect(lines.at(-1)).toMatchObject({
    kind: 'summary',
    state: 'finished',
    firstPicture: 'json-out/synthetic.0000.png',
  });
});

test('Ctrl-C cancels, stops all and leaves no process and no file', async () => {
  const program = start([...LONG, '--out', 'interrupted']);
  const parts = await partsAtWork(program);
  process.kill(program.pid, 'SIGINT');
  const { code, stderr } = await program.ended;
  expect(stderr).toContain('guian: stopping (Ctrl-C again: at once)');
  expect(code).toBe(130);
  expect(parts.filter(isRunning)).toEqual([]);
  expect(readdirSync(folder.tmp)).toEqual([]);
});

test.for([
  ['as soon as the output folder is there', 'work', 'early-out'],
  ['as soon as the farm starts', 'tmp', 'early-farm'],
] as const)('Ctrl-C %s leaves nothing either', async ([, place, out]) => {
  const program = start([...LONG, '--out', out]);
  const isThere = () =>
    place === 'work' ? existsSync(join(folder.work, out)) : readdirSync(folder.tmp).length > 0;
  await waitUntil(isThere, { timeoutMs: TIMEOUT_MS, describe: () => JSON.stringify(program.output()) });
  process.kill(program.pid, 'SIGINT');
  expect((await program.ended).code).toBe(130);
  expect(readdirSync(folder.tmp)).toEqual([]);
  expect(readdirSync(folder.work)).not.toContain(out);
});

test('a second Ctrl-C ends everything at once', async () => {
  const program = start([...LONG, '--out', 'killed']);
  const parts = await partsAtWork(program);
  process.kill(program.pid, 'SIGINT');
  process.kill(program.pid, 'SIGTERM');
  const { code } = await program.ended;
  expect([130, 143]).toContain(code);
  await waitUntil(() => !parts.some(isRunning), { timeoutMs: TIMEOUT_MS, describe: 'all parts to be gone' });
  expect(readdirSync(folder.tmp)).toEqual([]);
});

test('SIGKILL leaves no process, and the next start removes the folder that was left', async () => {
  const program = start([...LONG, '--out', 'sigkill']);
  const parts = await partsAtWork(program);
  process.kill(program.pid, 'SIGKILL');
  await program.ended;
  await waitUntil(() => !parts.some(isRunning), { timeoutMs: TIMEOUT_MS, describe: 'all parts to be gone' });
  expect(readdirSync(folder.tmp)).toHaveLength(1);
  const next = await guian([...SYNTHETIC, '--frames', '0', '--out', 'after'], folder);
  expect(next.code).toBe(0);
  expect(readdirSync(folder.tmp)).toEqual([]);
});

test('a part that dies is started again, and the frames are those of an undisturbed run', async () => {
  const args = [...SYNTHETIC, '--frames', '0-3', '--format', 'exr'];
  const program = start([...args, '--cost', '150', '--out', 'disturbed', '--json']);
  const parts = await partsAtWork(program);
  for (const pid of parts) process.kill(pid, 'SIGKILL');
  const { code, stderr } = await program.ended;
  expect(stderr).toMatch(/the coordinator died \(SIGKILL\); starting it again \(1 of 5\)/);
  expect(stderr).toMatch(/nats-server died \(SIGKILL\); starting it again \(1 of 5\)/);
  expect(stderr).toMatch(/the agent \S+ died \(SIGKILL\); starting it again \(1 of 5\)/);
  expect(code).toBe(0);
  const undisturbed = await guian([...args, '--out', 'undisturbed'], folder);
  expect(undisturbed.code).toBe(0);
  expect(pixelsOf('disturbed')).toEqual(pixelsOf('undisturbed'));
});

test('a farm that stays takes jobs, shows them, hands out their frames and stops at Ctrl-C', async () => {
  const up = start(['up', '--json', '--slots', '2', '--listen', '127.0.0.1:0', '--store', 'farm']);
  const ready = JSON.parse(
    await waitUntil(() => /^(.*)\n/.exec(up.output().stdout)?.[1], {
      timeoutMs: TIMEOUT_MS,
      describe: () => `the farm: ${up.output().stderr}`,
    }),
  ) as { address: string; pids: number[] };
  const env = { GUIAN_COORDINATOR: ready.address };
  const submitted = await guian(
    ['submit', '--renderer', 'synthetic', '--size', '64x64', '--frames', '0-1', '--name', 'two'],
    folder,
    env,
  );
  expect(submitted.stderr).toMatch(
    /^guian: synthetic\.json: 64x64 px, frames 0-1 \(2\), \d+ samples?, 1 file \(3 B\), synthetic.*\n$/,
  );
  const jobId = submitted.stdout.trim();
  expect(jobId).toMatch(/^two-[a-z0-9]{6}$/);
  const watched = await guian(['job', 'watch', jobId], folder, env);
  expect(watched.stdout).toContain(`job ${jobId} ended as finished`);
  const jobs = await guian(['jobs'], folder, env);
  expect(jobs.stdout).toMatch(new RegExp(`^JOB +STATE.*\\n${jobId} +finished +50 +0 +2/2 `));
  expect((await guian(['job', 'show', jobId], folder, env)).stdout).toContain('2 of 2 finished');
  expect((await guian(['nodes'], folder, env)).stdout).toMatch(/ready +\d\/2 /);
  expect((await guian(['frames', jobId], folder, env)).stdout).toMatch(/^0001 +finished /m);
  expect(await guian(['frames', jobId, '--out', 'none', '--format', 'webp'], folder, env)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`--format "webp": job ${jobId} wrote no such files; it has `),
  });
  const fetched = await guian(['frames', jobId, '--out', 'fetched', '--format', 'png'], folder, env);
  expect(fetched.code).toBe(0);
  expect(readdirSync(join(folder.work, 'fetched'))).toHaveLength(2);
  const gone = await guian(['job', 'show', 'nobody'], folder, env);
  expect(gone.code).toBe(2);
  expect(gone.stderr).toMatch(/^guian: [^\n]*nobody[^\n]*\n$/);
  process.kill(up.pid, 'SIGINT');
  expect((await up.ended).code).toBe(0);
  expect(ready.pids.filter(isRunning)).toEqual([]);
});

/** Process ids of the farm's parts, once a first tile is done. The program must run with --json. */
async function partsAtWork(program: RunningProgram): Promise<number[]> {
  await waitUntil(() => /"tilesDone":[1-9]/.test(program.output().stdout), {
    timeoutMs: TIMEOUT_MS,
    describe: () => `a first tile: ${JSON.stringify(program.output())}`,
  });
  const parts = childrenOf(program.pid);
  expect(parts).toHaveLength(3);
  return parts;
}

/** Digest of each EXR without its header, which names job and node. */
function pixelsOf(name: string): Record<string, string> {
  const out = join(folder.work, name);
  return Object.fromEntries(
    readdirSync(out)
      .sort()
      .map((file) => {
        const bytes = readFileSync(join(out, file));
        return [
          file,
          createHash('sha256')
            .update(bytes.subarray(endOfHeader(bytes)))
            .digest('hex'),
        ];
      }),
  );
}

/**
 * The end of an EXR's attributes: each is name, type (both end with 0), size, value; an empty name ends the list.
 * The table of chunk offsets that follows counts from the file's start, so it is skipped by its own length as well.
 */
function endOfHeader(bytes: Buffer): number {
  let at = 8;
  while (bytes[at] !== 0) {
    const typeAt = bytes.indexOf(0, at) + 1;
    const sizeAt = bytes.indexOf(0, typeAt) + 1;
    at = sizeAt + 4 + bytes.readUInt32LE(sizeAt);
  }
  const headerEnd = at + 1;
  const firstChunk = Number(bytes.readBigUInt64LE(headerEnd));
  return firstChunk;
}
