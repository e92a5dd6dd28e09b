/** What the admin's commands ask for and print; nothing here speaks to a farm. */
import { expect, test } from 'vitest';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import type { Wait__Output } from '#shared/wire/generated/guian/v1/Wait.js';
import { targetPool } from './job-control.js';
import { whyJobText } from './job-why.js';
import { jobsText, shownState } from './jobs.js';
import { journalText } from './journal.js';
import { licencesText, licenceText } from './licence.js';
import { stateText } from './node-drain.js';
import { applyChanges, namesText, parseChanges } from './node-names.js';
import { whyNodeText } from './node-why.js';
import { poolRequest, poolsText } from './pool.js';
import { adviceText } from './scale.js';
import { studioRequest, studiosText } from './studio.js';

const wait = (kind: string, message: string): Wait__Output => ({ kind, message, subject: '' });

test('why a job waits is a list, the strongest reason first, each on its line', () => {
  const why = { jobId: 'comp-1', state: 'running', slots: 4, slotsWanted: 24 };
  const waits = [wait('studio_max', 'studio film has its 4 slots:\nguian studio set'), wait('share', 'fair')];
  expect(whyJobText({ ...why, waits })).toBe(
    `job comp-1 is running: it has 4 slots, could use 24
  studio max   studio film has its 4 slots: | guian studio set
  share        fair
`,
  );
  expect(whyJobText({ ...why, slots: 24, waits: [] })).toBe(
    'job comp-1 is running: it has 24 slots; that is all that it can use\n',
  );
  expect(whyJobText({ ...why, state: 'cancelled', waits: [] })).toBe('job comp-1 has ended: cancelled\n');
});

test('why a node works for a job stands beside why not for another', () => {
  const jobs = [
    { jobId: 'b', slots: 0, waits: [wait('tags', 'it lacks gpu'), wait('memory', 'it has 8 GiB')] },
    { jobId: 'a', slots: 3, waits: [] },
    { jobId: 'c', slots: 0, waits: [] },
  ];
  const text = whyNodeText({
    ...{ nodeId: 'n1', state: 'ready', slots: 8, slotsBusy: 3, assigned: [], jobs },
  });
  expect(text).toBe(`node n1 is ready: 3 of 8 slots busy

JOB   SLOTS   WHY
a     3       it works for it
b     0       tags     it lacks gpu
              memory   it has 8 GiB
c     0       it would, with a free slot
`);
});

test('names are added and taken away; the last word counts, and the order does not', () => {
  const changed = (now: readonly string[], ...changes: string[]) =>
    applyChanges(now, parseChanges('tag', changes));
  expect(changed(['old', 'x'], '+gpu', '-old', 'big')).toEqual(['big', 'gpu', 'x']);
  expect(changed([], '+a', '-a')).toEqual([]);
  expect(changed(['a'], '-gone')).toEqual(['a']);
  expect(() => parseChanges('tag', ['+a b'])).toThrow('tag "a b": a name is');
  expect(() => parseChanges('pool', ['--wiat'])).toThrow("unknown option '--wiat'");
  const node = { nodeId: 'n1', tags: ['a', 'b'], pools: [] as string[] } as Node__Output;
  expect(namesText(node, 'tag')).toBe('node n1 has tags a, b');
  expect(namesText(node, 'pool')).toBe('node n1 is in no pools');
});

test('a node that drains says what still renders', () => {
  const node = { nodeId: 'n1', state: 'draining', slotsBusy: 1 } as Node__Output;
  expect(stateText(node)).toBe('node n1 is draining: 1 tile still renders');
  expect(stateText({ ...node, state: 'drained', slotsBusy: 0 })).toBe('node n1 is drained');
});

test('what is not given is not sent', () => {
  expect(poolRequest('film', { minSlots: '8', idle: '15m' })).toEqual({
    ...{ name: 'film', minSlots: 8, idleMs: 900_000 },
  });
  expect(() => poolRequest('film', {})).toThrow('nothing to set; give at least one of --target-wait');
  expect(() => poolRequest('film', { minSlots: '9', maxSlots: '8' })).toThrow('--min-slots "9": it must not');
  expect(studioRequest('film', { share: '0.5' })).toEqual({ name: 'film', share: 0.5 });
  expect(() => studioRequest('a b', {})).toThrow('studio "a b": it must be 1 to 128 characters');
  expect(() => studioRequest('film', { share: '0' })).toThrow('--share "0": it must be a number from 0.001');
  expect(targetPool({ pool: 'night' })).toBe('night');
  expect(targetPool({ anyPool: true })).toBe('');
  for (const both of [{}, { pool: 'night', anyPool: true }])
    expect(() => targetPool(both)).toThrow('either --pool NAME or --any-pool');
});

test('tables of pools, studios, licences, advice and the journal say what is there and what may be', () => {
  const pool = { name: 'film', nodes: 2, slots: 16, slotsBusy: 3, targetWaitMs: 600_000, minSlots: 1 };
  expect(poolsText([{ ...pool, maxSlots: 0, idleMs: 90_000, configured: true }])).toMatch(
    /^POOL .*\nfilm +2 +3\/16 +10m +1 +- +90s +yes\n$/,
  );
  const studio = { name: 'a', share: 3, maxSlots: 0, slots: 12, slotsWanted: 40, jobs: 2, configured: false };
  expect(studiosText([studio])).toMatch(/\na +3 +12 +40 +- +2 +-\n$/);
  const licence = {
    name: 'nuke',
    per: 'slot',
    total: 5,
    inUse: 3,
    configuredTotal: 8,
    reportedUntilMs: 90_000,
  };
  expect(licencesText([licence], 30_000)).toMatch(/\nnuke +slot +3\/5 +8 +1m00s\n$/);
  expect(licenceText(licence, 100_000)).toBe('licence nuke: 5 tokens, one per slot; 3 in use');
  const advice = { slots: 8, slotsWanted: 24, backlogCoreSeconds: 7_500, reason: 'backlog ÷ target wait' };
  expect(adviceText([{ ...advice, pool: '' }])).toMatch(/\n\(none\) +8 +24 +2h05m +backlog ÷ target wait\n$/);
  const entry = { sequence: 1, atMs: 0, actor: 'ana@ws12', action: 'node_set', subject: 'n1' };
  expect(journalText([{ ...entry, message: 'drain on' }])).toMatch(
    /\n1970-01-01T00:00:00\.000Z +ana@ws12 +node_set +n1 +drain on\n$/,
  );
});

test('a job that stands still says how, and the table why', () => {
  const job = {
    ...{ jobId: 'a', state: 'queued', priority: 50, slots: 0, paused: false, waitsFor: 'licence nuke' },
    ...{ createdAtMs: 0, finishedAtMs: 0, progress: null, spec: null },
  } as Job__Output;
  expect(shownState(job)).toBe('waiting');
  expect(shownState({ ...job, paused: true })).toBe('paused');
  expect(shownState({ ...job, state: 'running', slots: 2 })).toBe('running');
  expect(shownState({ ...job, state: 'cancelled', paused: true })).toBe('cancelled');
  expect(jobsText([job], 1_000)).toMatch(/WAITS FOR\na +waiting +50 +0 .* licence nuke\n$/);
  expect(jobsText([{ ...job, waitsFor: '' }], 1_000)).not.toContain('WAITS');
});
