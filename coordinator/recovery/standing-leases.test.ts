import { describe, expect, it } from 'vitest';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { GivenTiles } from './given-tiles.js';
import { Instances } from './instances.js';
import { accountedTiles, StandingLeases } from './standing-leases.js';

const JOB = 'job-1' as JobId;
const leases = (acknowledgedUpTo: number, leased: number, accounted: number) => [
  { jobId: JOB, acknowledgedUpTo, leased, accounted: () => accounted },
];

describe('leases of a job', () => {
  it('stand where the oldest is the same at two looks and there are more than tiles are accounted for', () => {
    const standing = new StandingLeases();
    expect(standing.look(leases(4, 3, 2)), 'the first look').toEqual([]);
    expect(standing.look(leases(4, 3, 2))).toEqual([JOB]);
    expect(standing.look(leases(4, 3, 3)), 'all are in hand').toEqual([]);
    expect(standing.look(leases(5, 3, 2)), 'the oldest went').toEqual([]);
    expect(standing.look(leases(5, 0, 0)), 'none is left').toEqual([]);
    expect(standing.look(leases(5, 3, 2)), 'a first look again').toEqual([]);
  });

  it('are accounted for by tiles in hand, and by those that were given and wait for a slot', () => {
    const instances = new Instances();
    const beat = {
      ...{
        nodeId: 'a' as NodeId,
        instanceId: 'a#1',
        hostName: '',
        agentVersion: '',
        startedAtMs: 0,
        cores: 1,
      },
      ...{ memoryBytes: 0, memoryUsedBytes: 0, renderers: [], tilesDone: 0, slots: 2, slotsBusy: 1 },
      ...{ jobIds: [JOB], inHandLeftOut: 0, leaving: false },
      inHand: [{ jobId: JOB, attempts: [[1, 0, 1, 1] as [number, number, number, number]], rendering: 1 }],
    };
    instances.hear(beat, 0);
    const given = new GivenTiles();
    const queued = [0, 1].map((tile) => ({ frame: 1, tile, attempt: 1, sequence: tile + 1 }));
    given.give(JOB, queued, 0);
    expect(
      accountedTiles(instances, given, JOB, { nowMs: 1_000, isWaitedFor: false }),
      'a tile that was taken counts once',
    ).toBe(2);
  });
});
