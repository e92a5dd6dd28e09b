import { describe, expect, it } from 'vitest';
import type { Assignment } from '#shared/bus/messages.js';
import { type JobId, newJobId, newPlanId } from '#shared/domain/ids.js';
import { isFinishingOver, nextAssignment, type WantedSlots } from './next-assignment.js';

const [one, two, three] = ['one', 'two', 'three'].map(newJobId).sort() as [JobId, JobId, JobId];
const planId = newPlanId();
const wants = (jobId: JobId, slots: number): WantedSlots => ({ jobId, planId, slots });
const names = ({ jobs, finishing = [] }: Assignment) => ({
  jobs: jobs.map(({ jobId, slots }) => [jobId, slots]),
  finishing: finishing.map(({ jobId }) => jobId),
});
const hands = (revision: number, ...jobIds: JobId[]) => ({
  assignmentRevision: revision,
  inHandLeftOut: 0,
  inHand: jobIds.map((jobId) => ({ jobId, attempts: [[0, 0, 1, 1] as [number, number, number, number]] })),
});
const nobodyIsOver = () => false;

describe('what is written for a node next', () => {
  it('is the same text in whatever order its jobs are named', () => {
    const parts = { before: undefined, heartbeat: undefined, isOver: nobodyIsOver };
    const told = nextAssignment({ ...parts, wanted: [wants(two, 1), wants(one, 2), wants(three, 0)] });
    expect(names(told)).toEqual({
      jobs: [
        [one, 2],
        [two, 1],
      ],
      finishing: [],
    });
    expect(nextAssignment({ ...parts, wanted: [wants(one, 2), wants(two, 1)] })).toEqual(told);
  });

  it('lets a job that loses its slots finish, until nothing of it is in hand by that very write', () => {
    const assignment = { jobs: [wants(one, 1), wants(two, 1)] } as Assignment;
    const heartbeat = hands(7);
    const parts = { wanted: [wants(two, 2)], isOver: nobodyIsOver };
    // Its last word is older than the write that comes: tiles may have come since.
    const first = nextAssignment({ ...parts, before: { assignment, revision: 7 }, heartbeat });
    expect(names(first)).toEqual({ jobs: [[two, 2]], finishing: [one] });
    const written = { assignment: first, revision: 8 };
    for (const later of [hands(7), hands(8, one), { ...hands(8), inHandLeftOut: 1 }]) {
      expect(isFinishingOver(written, later)).toBe(false);
      expect(names(nextAssignment({ ...parts, before: written, heartbeat: later })).finishing).toEqual([one]);
    }
    expect(isFinishingOver(written, hands(8, two))).toBe(true);
    expect(names(nextAssignment({ ...parts, before: written, heartbeat: hands(8, two) })).finishing).toEqual(
      [],
    );
  });

  it('names a job that is over nowhere, and one that is back only once', () => {
    const assignment = {
      jobs: [wants(one, 1)],
      finishing: [
        { jobId: two, planId },
        { jobId: three, planId },
      ],
    };
    const told = nextAssignment({
      before: { assignment: assignment as Assignment, revision: 1 },
      wanted: [wants(two, 1)],
      heartbeat: hands(1, one, two, three),
      isOver: (jobId) => jobId === one,
    });
    expect(names(told)).toEqual({ jobs: [[two, 1]], finishing: [three] });
  });

  it('lets a job that is ousted and keeps slots yield the others at once, until the node has read that', () => {
    const before = { assignment: { jobs: [wants(one, 4)] } as Assignment, revision: 7 };
    const parts = { wanted: [wants(one, 1), wants(two, 3)], heartbeat: hands(7, one) };
    const yielding = ({ jobs }: Assignment) => jobs.filter(({ yields }) => yields).map(({ jobId }) => jobId);
    const first = nextAssignment({ ...parts, before, isOver: (jobId) => jobId === one });
    expect(yielding(first)).toEqual([one]);
    const written = { assignment: first, revision: 8 };
    // Nobody takes anything over any more, but a write that hides the last one must not hide that.
    const later = { ...parts, before: written, isOver: nobodyIsOver };
    expect(yielding(nextAssignment(later))).toEqual([one]);
    expect(yielding(nextAssignment({ ...later, heartbeat: undefined }))).toEqual([one]);
    expect(yielding(nextAssignment({ ...later, heartbeat: hands(8, one) }))).toEqual([]);
  });

  it('never allows a job less than its own slots', () => {
    const wanted = [{ ...wants(one, 3), slotsMax: 2 }];
    const told = nextAssignment({ before: undefined, wanted, heartbeat: undefined, isOver: nobodyIsOver });
    expect(told.jobs[0]).toMatchObject({ slots: 3, slotsMax: 3 });
  });
});
