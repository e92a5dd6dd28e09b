import { expect, test } from 'vitest';
import { FarmError } from '#shared/errors.js';
import { parseRenderFlags } from './render-flags.js';
import { assertNoFarmFlags, jobSchedule, parseStartAt } from './schedule-flags.js';

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof FarmError && error.code === 'USAGE_INVALID') return error.message;
    throw error;
  }
  return 'taken';
};

test('without flags a job asks for nothing, and its priority is left to the farm', () => {
  const schedule = jobSchedule(parseRenderFlags({}));
  expect(schedule).not.toHaveProperty('priority');
  expect(schedule).toMatchObject({
    maxSlots: 0,
    startAtMs: 0,
    paused: false,
    preempt: '',
    previewSamples: 0,
  });
  expect(schedule.needs).toEqual({
    ...{ pool: '', tags: [], cores: 0, memoryBytes: 0, gpus: 0, gpuMemoryBytes: 0 },
  });
});

test('flags become the schedule of the job, each name once', () => {
  const flags = parseRenderFlags({
    ...{
      priority: '0',
      maxSlots: '16',
      licence: ['nuke', 'nuke'],
      license: ['v-ray'],
      after: ['a-1', 'b-2'],
    },
    ...{ afterFrames: true, paused: true, preempt: 'hard', frameOrder: 'every-10', tileOrder: 'spiral' },
    ...{ preview: '4', pool: 'night', tag: ['gpu', 'linux.6'], needsCores: '16', needsMemory: '8G' },
    ...{ needsGpus: '2', needsGpuMemory: '24G' },
  });
  expect(jobSchedule(flags)).toMatchObject({
    ...{ priority: 0, maxSlots: 16, licences: ['nuke', 'v-ray'], after: ['a-1', 'b-2'], afterFrames: true },
    ...{ paused: true, preempt: 'hard', frameOrder: 'every-10', tileOrder: 'spiral', previewSamples: 4 },
    needs: {
      ...{ pool: 'night', tags: ['gpu', 'linux.6'], cores: 16, memoryBytes: 8 * 2 ** 30 },
      ...{ gpus: 2, gpuMemoryBytes: 24 * 2 ** 30 },
    },
  });
});

test('a start is an instant, or a time from now', () => {
  expect(parseStartAt('+90m', 1_000)).toBe(5_401_000);
  expect(parseStartAt('2026-12-24T20:00Z', 0)).toBe(Date.UTC(2026, 11, 24, 20));
  expect(parseStartAt('2026-12-24 20:00:30+08:00', 0)).toBe(Date.UTC(2026, 11, 24, 12, 0, 30));
  // Without a zone: as the clock on the wall has it, also for a day alone.
  expect(parseStartAt('2026-12-24T20:00', 0)).toBe(new Date(2026, 11, 24, 20).getTime());
  expect(parseStartAt('2026-12-24', 0)).toBe(new Date(2026, 11, 24).getTime());
  for (const text of ['', '+10', '10m', 'tonight', '2026-13-01', '2026-12-24T25:00', '24.12.2026'])
    expect(parseStartAt(text, 0), text).toBeUndefined();
});

test.for([
  [{ priority: '101' }, '--priority "101": it must be a whole number from 0 to 100'],
  [{ tag: ['gpu', 'a b'] }, '--tag "gpu,a b": a name is 1 to 128 characters'],
  [{ after: ['no id'] }, '--after "no id": it must be a job id'],
  [{ afterFrames: true }, '--after-frames: it says how --after waits'],
  [{ startAt: 'soon' }, '--start-at "soon": it must be a time such as'],
  [{ preempt: 'now' }, '--preempt "now": it must be tile or hard'],
  [{ frameOrder: 'every-0' }, '--frame-order "every-0": it is sequential, reverse'],
  [{ tileOrder: 'zigzag' }, '--tile-order "zigzag": it must be rows or spiral'],
  [{ preview: '64', samples: '64' }, '--preview "64": it must be fewer samples than the 64'],
  [{ needsMemory: '8 apples' }, '--needs-memory "8 apples": it must be a size'],
  [{ needsGpuMemory: '8G' }, '--needs-gpu-memory'],
] as const)('%o is refused by name', ([flags, message]) => {
  expect(refusal(() => parseRenderFlags(flags))).toContain(message);
});

test('a machine that renders for itself has nobody to share with', () => {
  const alone = (flags: Record<string, unknown>) => refusal(() => assertNoFarmFlags(parseRenderFlags(flags)));
  expect(alone({ pool: 'night' })).toMatch(/^--pool: .* --coordinator$/);
  expect(alone({ license: ['nuke'] })).toMatch(/^--licence: /);
  expect(alone({ paused: true })).toMatch(/^--paused: /);
  // What orders the work of one machine is as good there.
  expect(alone({ preview: '4', frameOrder: 'reverse', tileOrder: 'spiral', maxSlots: '2' })).toBe('taken');
});
