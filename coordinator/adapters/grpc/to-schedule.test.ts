import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobScheduleSchema, type JobSchedule as Schedule } from '#shared/domain/schedule.js';
import type { JobSchedule__Output } from '#shared/wire/generated/guian/v1/JobSchedule.js';
import { loadProtos } from '#shared/wire/protos.js';
import { toPreviewSamples, toSchedule, toWireSchedule } from './to-schedule.js';

const EMPTY: JobSchedule__Output = {
  maxSlots: 0,
  licences: [],
  after: [],
  afterFrames: false,
  startAtMs: 0,
  paused: false,
  preempt: '',
  frameOrder: '',
  tileOrder: '',
  previewSamples: 0,
  needs: null,
  previewJobId: '',
};
const NEEDS = { pool: '', tags: [], cores: 0, memoryBytes: 0, gpus: 0, gpuMemoryBytes: 0 };

const names = fc.uniqueArray(fc.constantFrom('a', 'b.c', 'd-e'), { maxLength: 3 });
const anySchedule: fc.Arbitrary<Schedule> = fc
  .record({
    priority: fc.integer({ min: 0, max: 100 }),
    maxSlots: fc.integer({ min: 0, max: 10_000_000 }),
    licences: names,
    after: fc.uniqueArray(fc.constantFrom('job-1', 'job-2')),
    afterFrames: fc.boolean(),
    startAtMs: fc.integer({ min: 0, max: 253_402_300_799_000 }),
    isPaused: fc.boolean(),
    preempt: fc.constantFrom('tile', 'hard'),
    frameOrder: fc.constantFrom('sequential', 'reverse', 'every-10'),
    tileOrder: fc.constantFrom('rows', 'spiral'),
    needs: fc.record(
      {
        pool: fc.constantFrom('gpu', 'cpu.big'),
        tags: names,
        cores: fc.integer({ min: 0, max: 64 }),
        memoryBytes: fc.integer({ min: 0, max: 2 ** 52 }),
        gpus: fc.integer({ min: 0, max: 8 }),
        gpuMemoryBytes: fc.integer({ min: 0, max: 2 ** 52 }),
      },
      { requiredKeys: ['tags'] },
    ),
  })
  .map((value) => jobScheduleSchema.parse(value));

describe('the schedule of a job', () => {
  it('that is not on the wire, or empty there, has the defaults', () => {
    const defaults = jobScheduleSchema.parse({});
    expect(toSchedule(null)).toEqual(defaults);
    expect(toSchedule(EMPTY)).toEqual(defaults);
    expect(toSchedule({ ...EMPTY, needs: NEEDS })).toEqual(defaults);
    expect(toPreviewSamples(null)).toBe(0);
  });

  it('is the same after a way over the wire and back, a priority of 0 included', () => {
    const { encode, decode } = scheduleCodec();
    fc.assert(
      fc.property(anySchedule, (schedule) => {
        expect(toSchedule(decode(encode(toWireSchedule(schedule))))).toEqual(schedule);
      }),
      { numRuns: 50 },
    );
  });

  it('names each pool, job and licence once', () => {
    const { licences, after, needs } = toSchedule({
      ...EMPTY,
      licences: ['b', 'a', 'b'],
      after: ['j', 'j'],
      needs: { ...NEEDS, tags: ['t', 't'] },
    });
    expect([licences, after, needs.tags]).toEqual([['b', 'a'], ['j'], ['t']]);
  });

  it.each<[string, Partial<JobSchedule__Output>, RegExp]>([
    ['priority', { priority: 101 }, /^spec\.schedule\.priority is 101: .*<=100/],
    ['limit', { maxSlots: 4e9 }, /^spec\.schedule\.max_slots is 4000000000: /],
    ['licence', { licences: ['a b'] }, /^spec\.schedule\.licences\.0 is "a b": a name is/],
    ['job before it', { after: ['ok', 'no/job'] }, /^spec\.schedule\.after\.1 is "no\/job": a job id is/],
    ['start', { startAtMs: -1 }, /^spec\.schedule\.start_at_ms is -1: /],
    [
      'a start that is no date',
      { startAtMs: 8.64e15 },
      /^spec\.schedule\.start_at_ms is 8640000000000000: it is in ms since 1970, and at most the end of the year 9999$/,
    ],
    ['preemption', { preempt: 'soft' }, /^spec\.schedule\.preempt is "soft": .*"tile"\|"hard"/],
    [
      'frame order',
      { frameOrder: 'every-0' },
      /^spec\.schedule\.frame_order is "every-0": it is sequential,/,
    ],
    ['tile order', { tileOrder: 'hilbert' }, /^spec\.schedule\.tile_order is "hilbert": .*"rows"\|"spiral"/],
    ['pool', { needs: { ...NEEDS, pool: '/' } }, /^spec\.schedule\.needs\.pool is "\/": a name is/],
    ['tag', { needs: { ...NEEDS, tags: [''] } }, /^spec\.schedule\.needs\.tags\.0 is "": a name is/],
    ['cores', { needs: { ...NEEDS, cores: 1e6 } }, /^spec\.schedule\.needs\.cores is 1000000: /],
    ['GPUs', { needs: { ...NEEDS, gpus: 65 } }, /^spec\.schedule\.needs\.gpus is 65: /],
    ['memory', { needs: { ...NEEDS, memoryBytes: 2 ** 60 } }, /^spec\.schedule\.needs\.memory_bytes is /],
    ['preview job', { previewJobId: 'p' }, /^spec\.schedule\.preview_job_id is of answers only/],
  ])('is refused for a bad %s, naming field, value and what is allowed', (_, changes, message) => {
    expect(() => toSchedule({ ...EMPTY, ...changes })).toThrow(
      expect.objectContaining({ code: 'JOB_SPEC_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('is refused for more samples of a preview than a pixel may have', () => {
    expect(toPreviewSamples({ ...EMPTY, previewSamples: 4 })).toBe(4);
    expect(() => toPreviewSamples({ ...EMPTY, previewSamples: 100_000 })).toThrow(
      /^spec\.schedule\.preview_samples is 100000: .*<=65536/,
    );
  });
});

/** As the services have it: a job's schedule inside its spec. */
function scheduleCodec() {
  const { v1 } = loadProtos();
  const { requestSerialize, requestDeserialize } = v1.JobService.service.Submit;
  return {
    encode: (schedule: object) => requestSerialize({ spec: { schedule } } as never),
    decode: (bytes: Buffer) =>
      (requestDeserialize(bytes) as { spec: { schedule: JobSchedule__Output } }).spec.schedule,
  };
}
