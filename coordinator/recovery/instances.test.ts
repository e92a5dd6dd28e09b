import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Heartbeat, type HeldAttempt, heartbeatSchema } from '#shared/bus/messages.js';
import { type JobId, jobIdSchema } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { type Instance, Instances, stillListed } from './instances.js';

const JOB: JobId = jobIdSchema.parse('job-1');
const A: HeldAttempt = [0, 1, 1, 7];
const B: HeldAttempt = [0, 2, 1, 8];

function beat(instanceId: string, attempts: HeldAttempt[] = [], changes: Partial<Heartbeat> = {}): Heartbeat {
  return heartbeatSchema.parse({
    nodeId: 'node-1',
    instanceId,
    hostName: 'host',
    agentVersion: '1',
    startedAtMs: 0,
    slots: 1,
    slotsBusy: 1,
    cores: 1,
    memoryBytes: 1,
    memoryUsedBytes: 1,
    renderers: [],
    jobIds: [JOB],
    tilesDone: 0,
    inHand: [{ jobId: JOB, attempts }],
    inHandLeftOut: 0,
    leaving: false,
    ...changes,
  });
}

const instanceIds = (lost: readonly { instance: Instance }[]) =>
  lost.map(({ instance }) => instance.heartbeat.instanceId);

describe('instances of agents', () => {
  it('are lost once, after three missed heartbeats, and are there again with the next one', () => {
    const instances = new Instances();
    instances.hear(beat('a', [A]), 0);
    expect(instances.findSilent(TIMES.nodeLostAfterMs, 0)).toEqual([]);
    expect(instanceIds(instances.findSilent(TIMES.nodeLostAfterMs + 1, 0))).toEqual(['a']);
    expect(instances.findSilent(TIMES.nodeLostAfterMs + 2, 0)).toEqual([]);
    expect(instances.handsOf(JOB).held).toEqual([]);
    instances.hear(beat('a', [A]), 5_000);
    expect(instances.handsOf(JOB).held).toEqual([A]);
    expect(instances.findSilent(5_001, 0)).toEqual([]);
  });

  it('are not silent while nobody listened', () => {
    const instances = new Instances();
    instances.hear(beat('a'), 0);
    expect(instances.findSilent(60_000, 59_000)).toEqual([]);
    expect(instances.findSilent(63_000, 59_000)).toHaveLength(1);
  });

  it('are lost at once when their agent is started again under the same id', () => {
    const instances = new Instances();
    instances.hear(beat('a', [A]), 0);
    expect(instanceIds(instances.hear(beat('b'), 10).lost)).toEqual(['a']);
    expect(instances.hear(beat('b'), 1_010).lost).toEqual([]);
  });

  it('that share an id by mistake are not lost again with each heartbeat of the other', () => {
    const instances = new Instances();
    instances.hear(beat('a', [A]), 0);
    instances.hear(beat('b', [B]), 500);
    let lost = 0;
    for (let ms = 1_000; ms < 20_000; ms += 1_000) {
      lost += instances.hear(beat('a', [A]), ms).lost.length;
      lost += instances.hear(beat('b', [B]), ms + 500).lost.length;
      lost += instances.findSilent(ms + 600, 0).length;
    }
    expect(lost).toBe(0);
    expect(instances.handsOf(JOB).held.toSorted()).toEqual([A, B]);
  });

  it('of a crash loop do not pile up', () => {
    const instances = new Instances();
    for (let start = 0; start < 100; start++) instances.hear(beat(`i${start}`), start);
    expect([...instances.live()].map((instance) => instance.heartbeat.instanceId)).toEqual(['i99']);
  });

  it('that leave are no loss, unless they leave with tiles in hand', () => {
    const instances = new Instances();
    instances.hear(beat('a', [A]), 0);
    expect(instances.hear(beat('a', [], { leaving: true }), 10).lost).toEqual([]);
    instances.hear(beat('b', [A]), 20);
    const [left] = instances.hear(beat('b', [A, B], { leaving: true }), 30).lost;
    expect(left?.instance.heartbeat.inHand).toEqual([{ jobId: JOB, attempts: [A, B] }]);
    expect([...instances.live()]).toEqual([]);
  });

  it('are waited for one and all', () => {
    const instances = new Instances();
    instances.hear(beat('a'), 100);
    instances.hear(beat('c', [], { nodeId: 'node-2' as Heartbeat['nodeId'] }), 200);
    expect(instances.areHeardSince(150)).toBe(false);
    instances.hear(beat('a'), 151);
    expect(instances.areHeardSince(150)).toBe(true);
  });

  it('say when their list is not all that they have', () => {
    const instances = new Instances();
    instances.hear(beat('a', [A]), 0);
    expect(instances.handsOf(JOB).isAll).toBe(true);
    instances.hear(beat('a', [A], { inHandLeftOut: 3 }), 1);
    expect(instances.handsOf(JOB).isAll).toBe(false);
  });

  it('are found by what they hold as if all of them were asked', () => {
    const JOBS = ['job-1', 'job-2', 'job-3'].map((id) => jobIdSchema.parse(id));
    const happening = fc.record({
      node: fc.nat(2),
      instance: fc.nat(5),
      jobs: fc.subarray(JOBS),
      inHandLeftOut: fc.nat(1),
      leaving: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
      passedMs: fc.constantFrom(10, 2_000, 5_000),
    });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const instances = new Instances();
        let nowMs = 0;
        for (const { node, instance, jobs, inHandLeftOut, leaving, passedMs } of happenings) {
          nowMs += passedMs;
          if (passedMs > 10) instances.findSilent(nowMs, 0);
          const inHand = jobs.map((jobId, index) => ({ jobId, attempts: [[index, instance, 1, 7]] }));
          const changes = { nodeId: `node-${node}`, inHand, inHandLeftOut, leaving } as never;
          instances.hear(beat(`${node}-${instance}`, [], changes), nowMs);
          const live = [...instances.live()];
          const [except] = live;
          for (const jobId of JOBS) {
            for (const others of [live, live.slice(1)]) {
              const { held, isAll } = instances.handsOf(jobId, others === live ? undefined : except);
              const hands = others.flatMap(({ heartbeat }) => heartbeat.inHand);
              const wanted = hands.filter((hand) => hand.jobId === jobId).flatMap((hand) => hand.attempts);
              expect(held.toSorted()).toEqual(wanted.toSorted());
              expect(isAll).toBe(others.every(({ heartbeat }) => heartbeat.inHandLeftOut === 0));
            }
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('that come back learn what others hold by now', () => {
    const instances = new Instances();
    const { instance } = instances.hear(beat('a', [A, B]), 0);
    instances.hear(beat('c', [B], { nodeId: 'node-2' as Heartbeat['nodeId'] }), 0);
    expect(instances.heldElsewhere(JOB, [A, B], instance!)).toEqual([B]);
  });

  it('that come back are asked only for what they still list', () => {
    const instances = new Instances();
    const { instance } = instances.hear(beat('a', [A, B]), 0);
    instance!.givenAway.set(JOB, new Set(['0/1/1', '0/2/1']));
    instances.hear(beat('a', [B]), 6_000);
    expect([...stillListed(instance!)]).toEqual([[JOB, [B]]]);
    instances.hear(beat('a', [A]), 7_000);
    expect([...stillListed(instance!)], 'what came again later is its own').toEqual([]);
  });
});
