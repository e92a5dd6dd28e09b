import { describe, expect, it } from 'vitest';
import { type JobId, jobIdSchema, type NodeId, nodeIdSchema } from '#shared/domain/ids.js';
import { NO_STANDING, type Standing, type Verdict } from './judge-nodes.js';
import { type Circumstances, standingChanges } from './standing-changes.js';

const JOB = jobIdSchema.parse('shot');
const NODE = nodeIdSchema.parse('a');
const NOW_MS = 5_000;

const block = { jobId: JOB, failures: 3, untilMs: 9_000, code: 'RENDER_FAILED' };
const quarantine = { studios: ['s', 't'], untilMs: 9_000, code: 'RENDER_FAILED' };
const BLOCKED: Standing = { blocks: [block], quarantine: undefined };
const QUARANTINED: Standing = { blocks: [], quarantine };

const verdict = (standing: Standing, changes: Partial<Verdict> = {}): Verdict => ({
  standings: new Map<NodeId, Standing>(standing === NO_STANDING ? [] : [[NODE, standing]]),
  unblockedJobs: new Set(),
  isQuarantineWaived: false,
  nextChangeAtMs: undefined,
  ...changes,
});
const changes = (was: Standing, now: Verdict, where: Partial<Circumstances> = {}) => {
  const before = new Map<NodeId, Standing>(was === NO_STANDING ? [] : [[NODE, was]]);
  const circumstances = {
    listed: new Set([NODE]),
    liveJobs: new Set<JobId>([JOB]),
    nowMs: NOW_MS,
    mayEnd: true,
    ...where,
  };
  const { standings, told } = standingChanges(before, now, circumstances);
  return { standing: standings.get(NODE), told: told.map(({ kind, message }) => `${kind}: ${message}`) };
};

describe('what changes for a node', () => {
  it('is told when it begins, with the time at which it ends', () => {
    expect(changes(NO_STANDING, verdict(BLOCKED))).toEqual({
      standing: BLOCKED,
      told: [
        'node_blocked: node a gets no more tiles of it: it failed 3 that no other node has failed, last with RENDER_FAILED; until 1970-01-01T00:00:09Z if it fails no more',
      ],
    });
    expect(changes(NO_STANDING, verdict(QUARANTINED)).told).toEqual([
      'node_quarantined: node a is quarantined: it failed tiles for 2 studios (s, t), last with RENDER_FAILED; until 1970-01-01T00:00:09Z if it fails no more',
    ]);
  });

  it('is not told again while it lasts, and follows the count', () => {
    const more: Standing = { blocks: [{ ...block, failures: 5 }], quarantine: undefined };
    expect(changes(BLOCKED, verdict(more))).toEqual({ standing: more, told: [] });
    expect(changes(QUARANTINED, verdict(QUARANTINED)).told).toEqual([]);
  });

  it('says why it ends', () => {
    const waived = { unblockedJobs: new Set([JOB]), isQuarantineWaived: true };
    const end = (was: Standing, now: Verdict, nowMs = NOW_MS) => changes(was, now, { nowMs }).told[0];
    expect(end(BLOCKED, verdict(NO_STANDING), 9_000)).toMatch(
      /^node_forgiven: node a may have tiles of it again: its failures are forgiven with time$/,
    );
    expect(end(BLOCKED, verdict(NO_STANDING, waived))).toMatch(/: no better node is left$/);
    expect(end(BLOCKED, verdict(NO_STANDING))).toMatch(/: the tiles that it failed are to blame themselves$/);
    expect(end(QUARANTINED, verdict(NO_STANDING, waived))).toBe(
      'node_forgiven: node a is no longer quarantined: no better node is left',
    );
    expect(changes(BLOCKED, verdict(NO_STANDING)).standing).toBe(NO_STANDING);
  });

  it('waits after a start, until the others have had time to speak', () => {
    const early = { mayEnd: false };
    expect(changes(BLOCKED, verdict(NO_STANDING), early)).toEqual({ standing: BLOCKED, told: [] });
    expect(changes(QUARANTINED, verdict(NO_STANDING), early)).toEqual({ standing: QUARANTINED, told: [] });
    expect(changes(NO_STANDING, verdict(BLOCKED), early).told).toHaveLength(1);
  });

  it('is nothing for a node that is not there, but for its time', () => {
    const away = { listed: new Set<NodeId>() };
    expect(changes(NO_STANDING, verdict(BLOCKED), away)).toEqual({ standing: NO_STANDING, told: [] });
    expect(changes(BLOCKED, verdict(NO_STANDING), away)).toEqual({ standing: undefined, told: [] });
    expect(changes(BLOCKED, verdict(NO_STANDING), { ...away, nowMs: 9_000 })).toEqual({
      standing: NO_STANDING,
      told: [],
    });
  });

  it('of a job that has ended is not told', () => {
    const ended = { liveJobs: new Set<JobId>() };
    expect(changes(BLOCKED, verdict(NO_STANDING), ended)).toEqual({ standing: NO_STANDING, told: [] });
  });
});
