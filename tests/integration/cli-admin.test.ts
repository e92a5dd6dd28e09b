/** A cluster admin's day at the command line: a real farm of two nodes, and the real program for every change. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { guian, startGuian, testFolder } from './cli-program.js';

let farm: Farm;
const folder = testFolder();
const env = () => ({ GUIAN_COORDINATOR: farm.coordinatorAddress });

beforeAll(async () => {
  farm = await startFarm({ agents: 2, slots: 1, onNotice: () => undefined });
});
afterAll(async () => {
  await farm?.stop();
  folder[Symbol.dispose]();
});

/** @returns what it printed. */
async function run(args: readonly string[], code = 0): Promise<string> {
  const ended = await guian(args, folder, env());
  expect(ended.code, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`).toBe(code);
  return ended.stdout + ended.stderr;
}

async function json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
  return JSON.parse(await run([...args, '--json'])) as T;
}

/** @returns its id. Of `tiles` tiles, each of which takes `costMs`. */
async function submit(tiles: number, costMs: number, ...flags: string[]): Promise<string> {
  const size = ['--size', `${16 * tiles}x16`, '--tile', '16', '--format', 'exr', '--cost', String(costMs)];
  const shown = await run(['submit', '--renderer', 'synthetic', '--frames', '1', ...size, ...flags]);
  return shown
    .trim()
    .split('\n')
    .find((line) => /^[a-z0-9-]+$/.test(line))!;
}

interface Why {
  readonly slots: number;
  readonly waits: readonly { readonly kind: string; readonly message: string }[];
}
const whyKinds = async (jobId: string): Promise<string[]> =>
  (await json<Why>(['job', 'why', jobId])).waits.map(({ kind }) => kind);
const stateOf = async (jobId: string): Promise<unknown> => (await json(['job', 'show', jobId]))['state'];

async function untilFinished(jobId: string): Promise<void> {
  await waitUntil(async () => (await stateOf(jobId)) === 'finished', { describe: `job ${jobId} finishes` });
}
async function untilWaitingFor(jobId: string, kind: string): Promise<void> {
  let kinds: readonly string[] = [];
  await waitUntil(
    async () => {
      kinds = await whyKinds(jobId);
      return kinds.includes(kind);
    },
    { describe: () => `job ${jobId} waits for ${kind}; it waits for ${kinds.join(', ')}` },
  );
}
const nodeIds = async (): Promise<string[]> =>
  (await json<{ nodeId: string }[]>(['nodes'])).map(({ nodeId }) => nodeId).sort();

describe('what is set', () => {
  it('is listed, in force, and can be taken back: studios, pools, licences', async () => {
    expect(await run(['studio', 'create', 'film', '--share', '3'])).toBe('studio film: share 3, no limit\n');
    expect(await run(['studio', 'create', 'film'], 2)).toContain('change it: guian studio set film');
    expect(await run(['studio', 'set', 'film', '--max-slots', '4'])).toBe(
      'studio film: share 3, at most 4 slots\n',
    );
    expect(await run(['studio', 'list'])).toMatch(/^film +3 +0 +0 +4 +0 +yes$/m);
    await run(['pool', 'set', 'night', '--target-wait', '90s', '--min-slots', '1', '--max-slots', '8']);
    expect(await run(['pool', 'list'])).toMatch(/^night +0 +0\/0 +90s +1 +8 +10m +yes$/m);
    await run(['licence', 'set', 'v-ray', '--total', '8', '--per', 'node']);
    expect(await run(['license', 'report', 'v-ray', '--total', '5', '--expires', '1h'])).toMatch(
      /^licence v-ray: 5 tokens, one per node; 0 in use; reported, for /,
    );
    expect(await run(['licence', 'list'])).toMatch(/^v-ray +node +0\/5 +8 +(1h00m|59m\d\ds)$/m);
    for (const [kind, name] of [
      ['studio', 'film'],
      ['pool', 'night'],
      ['licence', 'v-ray'],
    ] as const)
      await run([kind, 'remove', name]);
    expect(await json(['studio', 'list'])).not.toContainEqual(expect.objectContaining({ name: 'film' }));
  });

  it('is in the journal, with who and when, newest first', async () => {
    await run(['pool', 'set', 'diary', '--idle', '1m']);
    await run(['pool', 'remove', 'diary']);
    const [last, before] = await json<Record<string, unknown>[]>(['journal', '--limit', '2']);
    expect(last).toMatchObject({ action: 'pool_removed', subject: 'diary' });
    expect(before).toMatchObject({
      action: 'pool_set',
      subject: 'diary',
      actor: expect.stringMatching(/^[^\s@]+@[^\s]+$/),
    });
    expect(Math.abs(Date.now() - Number(before!['atMs']))).toBeLessThan(60_000);
    expect(await run(['journal', '--limit', '1'])).toMatch(
      /^TIME +WHO +ACTION[^\n]*\n\S+ +\S+@\S+ +pool_removed +diary[^\n]*\n$/,
    );
  });
});

describe('nodes', () => {
  it('have tags and pools that jobs ask for, as the admin sets them', async () => {
    const tagged = await submit(2, 0, '--tag', 'gpu', '--tag', 'big');
    const pooled = await submit(2, 0, '--pool', 'film');
    await untilWaitingFor(tagged, 'tags');
    await untilWaitingFor(pooled, 'pool');
    expect(await run(['jobs', '--state', 'waiting'])).toMatch(new RegExp(`^${tagged} +waiting +50 +0 `, 'm'));
    // The way out that is told is typed as it stands.
    const [, wayOut, node] = /guian (node tag (\S+) \+gpu \+big)/.exec(await run(['job', 'why', tagged]))!;
    expect(await run(wayOut!.split(' '))).toBe(`node ${node} has tags big, gpu\n`);
    await untilFinished(tagged);
    expect(await run(['node', 'pool', node!, '+film'])).toBe(`node ${node} is in pools film\n`);
    await untilFinished(pooled);
    expect(await run(['nodes'])).toMatch(new RegExp(`^${node} +ready +\\d/1 +\\d +film +big,gpu +`, 'm'));
    expect(await run(['node', 'tag', node!, '-big'])).toBe(`node ${node} has tags gpu\n`);
    expect(await run(['node', 'tag', node!, '--reset'])).toBe(`node ${node} has no tags\n`);
    expect(await run(['node', 'pool', node!, '--reset'])).toBe(`node ${node} is in no pools\n`);
    expect(await run(['node', 'tag', 'nobody', '+x'], 2)).toContain('there is no node "nobody"');
  });

  it('drain under load without losing a tile, and come back', async () => {
    const [first, second] = await nodeIds();
    // Long enough for every command before the drain, on a busy machine too.
    const jobId = await submit(40, 500);
    await waitUntil(async () => (await json<Why>(['job', 'why', jobId])).slots === 2, {
      describe: 'both render',
    });
    expect(await run(['node', 'why', first!])).toMatch(new RegExp(`^${jobId} +1 +it works for it$`, 'm'));
    // One that does not exist is told, and the other drained all the same.
    const drained = await run(['node', 'drain', 'nobody', first!, '--wait', '--timeout', '1m'], 2);
    expect(drained).toContain('there is no node "nobody"');
    expect(drained).toContain(`node ${first} is drained`);
    expect(await run(['node', 'remove', first!], 2)).toContain(`node ${first} is drained`);
    await untilFinished(jobId);
    const shown = await json<{ progress: Record<string, number> }>(['job', 'show', jobId]);
    expect(shown.progress).toMatchObject({ attemptsFailed: 0, tilesDone: 40 });
    await run(['node', 'drain', second!, '--wait']);
    const waiting = await submit(2, 0);
    await untilWaitingFor(waiting, 'node_state');
    await run(['node', 'resume', first!, second!]);
    await untilFinished(waiting);
  });
});

describe('jobs', () => {
  it('are paused, resumed, limited, moved and put first', async () => {
    const jobId = await submit(400, 20, '--paused', '--priority', '10');
    await untilWaitingFor(jobId, 'paused');
    expect(await run(['jobs'])).toMatch(new RegExp(`^${jobId} +paused +10 +0 `, 'm'));
    expect(await run(['job', 'priority', jobId, '80'])).toBe(`job ${jobId} has priority 80\n`);
    expect(await run(['job', 'limit', jobId, '--max-slots', '1'])).toBe(`job ${jobId} gets at most 1 slot\n`);
    expect(await run(['job', 'resume', jobId])).toContain(`job ${jobId} goes on`);
    await untilWaitingFor(jobId, 'job_max');
    expect(await run(['job', 'move', jobId, '--pool', 'moon'])).toBe(
      `job ${jobId} runs on nodes of pool moon\n`,
    );
    await untilWaitingFor(jobId, 'pool');
    expect(await run(['job', 'show', jobId])).toMatch(/^Priority: +80\nPool: +moon\nSlots: +0/m);
    await run(['job', 'move', jobId, '--any-pool']);
    await run(['job', 'pause', jobId]);
    await untilWaitingFor(jobId, 'paused');
    await run(['job', 'cancel', jobId]);
    expect(await run(['job', 'pause', jobId], 2)).toMatch(/^guian: job .* cancelled/);
    expect(await run(['job', 'why', jobId])).toBe(`job ${jobId} has ended: cancelled\n`);
  });

  it('wait for a licence until there is one, and it is not taken away meanwhile', async () => {
    const jobId = await submit(400, 200, '--licence', 'nuke');
    await untilWaitingFor(jobId, 'licence');
    await run(['licence', 'set', 'nuke', '--total', '1']);
    await waitUntil(async () => (await json<Why>(['job', 'why', jobId])).slots === 1, {
      describe: 'it has a slot',
    });
    expect(await whyKinds(jobId)).toContain('licence');
    expect(await run(['licence', 'list'])).toMatch(/^nuke +slot +1\/1 +1 +-$/m);
    expect(await run(['licence', 'remove', 'nuke'], 2)).toContain(jobId);
    await run(['job', 'cancel', jobId]);
    await run(['licence', 'remove', 'nuke']);
  });

  it('wait for one another, until told not to', async () => {
    const before = await submit(2, 0, '--paused');
    const [after, ignoring] = [await submit(2, 0, '--after', before), await submit(2, 0, '--after', before)];
    await untilWaitingFor(after, 'dependency');
    await run(['job', 'resume', ignoring, '--ignore-after']);
    await untilFinished(ignoring);
    expect(await stateOf(after)).toBe('queued');
    await run(['job', 'resume', before]);
    await untilFinished(after);
  });

  it('show a preview of all frames first, as pictures beside the others', async () => {
    const out = join(folder.work, 'shot');
    const size = ['--size', '32x16', '--tile', '16', '--format', 'exr', '--samples', '8'];
    const flags = ['--renderer', 'synthetic', '--frames', '1-2', '--name', 'shot', '--preview', '2'];
    const shown = await run(['render', ...flags, ...size, '--out', out]);
    expect(shown).toContain('preview: 2 frames');
    expect(readdirSync(out).sort()).toEqual([
      'shot-preview.0001.exr',
      'shot-preview.0002.exr',
      'shot.0001.exr',
      'shot.0002.exr',
    ]);
  });
});

describe('scaling', () => {
  it('advice is told, and a command of the admin runs for what differs, until Ctrl-C', async () => {
    await run(['pool', 'set', 'cloud', '--min-slots', '3']);
    const advised = async () =>
      (await json<{ pool: string; slotsWanted: number }[]>(['scale', 'advice'])).find(
        ({ pool }) => pool === 'cloud',
      );
    await waitUntil(async () => (await advised())?.slotsWanted === 3, {
      describe: 'three slots are advised',
    });
    expect(await run(['scale', 'advice'])).toMatch(/^cloud +0 +3 /m);
    const log = join(folder.work, 'scaled');
    const command = `[ "$GUIAN_POOL" != cloud ] || { echo "$GUIAN_SLOTS $GUIAN_SLOTS_WANTED" >> ${log}; exit 3; }`;
    const once = await run(['scale', 'run', '--once', '--exec', command], 1);
    expect(once).toContain('pool cloud: 0 slots, 3 wanted: failed: exit code 3; it is tried again');
    const running = startGuian(['scale', 'run', '--every', '1s', '--exec', command], folder, env());
    try {
      const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0);
      await waitUntil(() => lines() >= 3, { describe: 'it is tried again' });
      expect(readFileSync(log, 'utf8')).toMatch(/^(0 3\n)+$/);
    } finally {
      running.child.kill('SIGINT');
    }
    expect((await running.ended).code).toBe(0);
    await run(['pool', 'remove', 'cloud']);
  });
});
