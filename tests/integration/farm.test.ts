/** The farm as its users meet it: every part a process of its own, killed at the worst moment, spoken to through `guian`. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { connectBus } from '#shared/bus/connect.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { type Ended, guian, type RunningProgram, startGuian, testFolder } from './cli-program.js';

const FRAMES = '1-3';
const SIZE = '96x64';
/** 24 tiles a frame, 72 in all: two slots take about 3 s, long enough to be killed in the middle. */
const JOB = [
  '--renderer',
  'synthetic',
  '--frames',
  FRAMES,
  '--size',
  SIZE,
  '--tile',
  '16',
  '--cost',
  '80',
  '--format',
  'exr',
];
/** Of a wait that only ends in vain when the thing never comes, a lease that must run out included. */
const TIMEOUT_MS = 120_000;

let farm: Farm;
let reference: ReturnType<typeof testFolder>;
const to = () => ['--coordinator', farm.coordinatorAddress];

beforeAll(async () => {
  farm = await startFarm({ agents: 2, slots: 1, onNotice: () => undefined });
  reference = testFolder();
  const args = ['render', ...JOB, ...to(), '--name', 'shot', '--cost', '0', '--out', reference.work];
  const undisturbed = await guian(args, reference);
  expect(undisturbed.code, undisturbed.stderr).toBe(0);
});
afterAll(async () => {
  await farm?.stop();
  reference?.[Symbol.dispose]();
});

async function expectSameFrames(folder: { path: string; tmp: string; work: string }): Promise<void> {
  const names = readdirSync(reference.work).sort();
  expect(names).toEqual(['shot.0001.exr', 'shot.0002.exr', 'shot.0003.exr']);
  expect(readdirSync(folder.work).sort()).toEqual(names);
  for (const name of names) {
    const compared = await guian(
      ['compare', join(reference.work, name), join(folder.work, name), '--exact'],
      folder,
    );
    expect(compared.code, compared.stdout + compared.stderr).toBe(0);
  }
}

/** Runs a render and calls `disturb` once some tiles are done, and most are not. */
async function renderDisturbed(disturb: () => Promise<void>): Promise<void> {
  using folder = testFolder();
  await using program = started(
    ['render', ...JOB, ...to(), '--name', 'shot', '--out', folder.work, '--json'],
    folder,
  );
  await waitUntil(() => tilesDone(program.output().stdout) >= 6, {
    timeoutMs: TIMEOUT_MS,
    describe: () => `tiles done; the program said: ${JSON.stringify(program.output())}`,
  });
  await disturb();
  let ended: Ended | undefined;
  void program.ended.then((end) => {
    ended = end;
  });
  const { code } = await waitUntil(() => ended, {
    timeoutMs: TIMEOUT_MS,
    describe: () => `its end; the program said: ${JSON.stringify(program.output())}`,
  });
  expect(code, JSON.stringify(program.output())).toBe(0);
  await expectSameFrames(folder);
}

/** Ctrl-C ends it with the test, and cancels its job, which would take slots from the next one. */
function started(
  args: readonly string[],
  folder: ReturnType<typeof testFolder>,
): RunningProgram & AsyncDisposable {
  const program = startGuian(args, folder);
  return {
    ...program,
    async [Symbol.asyncDispose]() {
      program.child.kill('SIGINT');
      await program.ended;
    },
  };
}

function tilesDone(output: string): number {
  const counts = [...output.matchAll(/"tilesDone":(\d+)/g)].map((match) => Number(match[1]));
  return Math.max(0, ...counts);
}

it('a coordinator that is killed in the middle of a job goes on where it was', async () => {
  await renderDisturbed(() => farm.coordinator.crash());
});

it('a nats-server that is killed in the middle of a job costs no tile', async () => {
  await renderDisturbed(() => farm.nats!.crash());
});

it('an agent that is killed in the middle of a job loses its leases; others render its tiles', async () => {
  await renderDisturbed(() => farm.agents[0]!.crash());
});

it('two jobs at once share the farm, and both end', async () => {
  using one = testFolder();
  using two = testFolder();
  // Long enough for the second one to start beside the first, and for this test to see it.
  const render = ['render', ...JOB, '--cost', '120', ...to(), '--name', 'shot', '--json'];
  await using first = started([...render, '--out', one.work], one);
  await using second = started([...render, '--out', two.work], two);
  await waitUntil(() => [first, second].every((program) => tilesDone(program.output().stdout) > 0), {
    timeoutMs: TIMEOUT_MS,
    describe: () => `tiles of both jobs done: ${JSON.stringify([first.output(), second.output()])}`,
  });
  expect(
    [first, second].some((program) => program.child.exitCode !== null),
    'both are under way',
  ).toBe(false);
  for (const ended of await Promise.all([first.ended, second.ended]))
    expect(ended.code, ended.stderr).toBe(0);
  await expectSameFrames(one);
  await expectSameFrames(two);
});

it('a job that is cancelled leaves nothing in the queue, and its watchers are told', async () => {
  using folder = testFolder();
  const submitted = await guian(['submit', ...JOB, '--frames', '1-400', ...to()], folder);
  expect(submitted.code, submitted.stderr).toBe(0);
  const jobId = submitted.stdout.trim().split(/\s+/).at(-1)!;
  await using bus = await connectBus(farm.natsUrl, 'guian', 'test');
  const queued = async () => {
    const info = await bus.jsm.streams.info(bus.names.tilesStream, {
      subjects_filter: bus.names.tilesOfJob(jobId as never),
    });
    return Object.keys(info.state.subjects ?? {}).length;
  };
  await waitUntil(async () => (await queued()) > 500, { timeoutMs: TIMEOUT_MS, describe: 'a full queue' });
  const watching = startGuian(['job', 'watch', jobId, ...to()], folder);
  const cancelled = await guian(['job', 'cancel', jobId, ...to()], folder);
  expect(cancelled.code, cancelled.stderr).toBe(0);
  expect(await queued()).toBe(0);
  const watched = await watching.ended;
  expect(watched.stdout + watched.stderr).toMatch(/cancelled/);
  expect(existsSync(join(folder.work, 'renders'))).toBe(false);
});
