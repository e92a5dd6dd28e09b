import { describe, expect, it } from 'vitest';
import { jobIdSchema } from '#shared/domain/ids.js';
import type { JobState } from '#shared/domain/job.js';
import { type GatedJob, gateNow } from './gates.js';

const sim = jobIdSchema.parse('sim');
const fx = jobIdSchema.parse('fx');
const AT_MS = 1_000;

interface Changes extends Partial<GatedJob['schedule']> {
  readonly isPaused?: boolean;
  readonly ignoresAfter?: boolean;
  readonly states?: Readonly<Record<string, JobState>>;
  readonly isFree?: boolean;
}

const gate = ({ isPaused, ignoresAfter, states = {}, isFree = false, ...schedule }: Changes, nowMs = 0) =>
  gateNow(
    {
      schedule: { after: [], afterFrames: false, startAtMs: 0, ...schedule },
      isPaused: isPaused ?? false,
      ignoresAfter: ignoresAfter ?? false,
      stateOf: (jobId) => states[jobId],
      hasFreeFrame: () => isFree,
    },
    nowMs,
  );
const OPEN = { gate: undefined, changesAtMs: undefined };
const waitsFor = (jobId: string, isHopeless = false) => ({
  gate: { kind: 'dependency', jobId, isHopeless },
  changesAtMs: undefined,
});

describe('a job may run', () => {
  it('at once, when nothing was asked', () => {
    expect(gate({})).toEqual(OPEN);
  });

  it('not while it is paused, whatever else it waits for', () => {
    expect(gate({ isPaused: true, startAtMs: AT_MS, after: [sim] }, 0).gate).toEqual({ kind: 'paused' });
  });

  it('from its start on, which time alone brings', () => {
    const early = { gate: { kind: 'start_time', startAtMs: AT_MS }, changesAtMs: AT_MS };
    expect(gate({ startAtMs: AT_MS }, AT_MS - 1)).toEqual(early);
    expect(gate({ startAtMs: AT_MS }, AT_MS)).toEqual(OPEN);
    expect(gate({ startAtMs: AT_MS, after: [sim], states: { sim: 'running' } }, 0)).toEqual(early);
  });

  it.each<[JobState | undefined, typeof OPEN | ReturnType<typeof waitsFor>]>([
    ['queued', waitsFor('sim')],
    ['running', waitsFor('sim')],
    ['finished', OPEN],
    ['finished_with_failures', waitsFor('sim', true)],
    ['cancelled', waitsFor('sim', true)],
    [undefined, waitsFor('sim', true)],
  ])('after a job that is %s', (state, result) => {
    expect(gate({ after: [sim], states: state ? { sim: state } : {} })).toEqual(result);
  });

  it('after all of them, and one that never finishes is told first, even before the start', () => {
    const states = { sim: 'running', fx: 'cancelled' } as const;
    expect(gate({ after: [sim, fx], states, startAtMs: AT_MS })).toEqual(waitsFor('fx', true));
    expect(gate({ after: [sim, fx], states: { sim: 'finished', fx: 'running' } })).toEqual(waitsFor('fx'));
  });

  it('frame by frame as soon as one of its frames is free', () => {
    const asked: Changes = { after: [sim], afterFrames: true, states: { sim: 'running' } };
    expect(gate({ ...asked, isFree: true })).toEqual(OPEN);
    expect(gate({ ...asked, isFree: false })).toEqual(waitsFor('sim'));
    expect(gate({ ...asked, states: { sim: 'cancelled' } })).toEqual(waitsFor('sim', true));
    expect(gate({ ...asked, states: { sim: 'finished' } })).toEqual(OPEN);
  });

  it('when its preview has ended in whatever way', () => {
    const preview = (state?: JobState) => gate({ previewJobId: fx, states: state ? { fx: state } : {} });
    expect(preview('running')).toEqual(waitsFor('fx'));
    expect(preview('queued')).toEqual(waitsFor('fx'));
    for (const state of ['finished', 'finished_with_failures', 'cancelled', undefined] as const)
      expect(preview(state)).toEqual(OPEN);
  });

  it('before all of them, when an admin says so', () => {
    const asked: Changes = { after: [sim], previewJobId: fx, states: { fx: 'running' }, ignoresAfter: true };
    expect(gate(asked)).toEqual(OPEN);
    expect(gate({ ...asked, startAtMs: AT_MS }).gate).toEqual({ kind: 'start_time', startAtMs: AT_MS });
  });
});
