import { describe, expect, it } from 'vitest';
import type { HeldAttempt } from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import { testJob } from '#tests/support/live-jobs.js';
import { GivenTiles } from '../recovery/given-tiles.js';
import type { Instance } from '../recovery/instances.js';
import type { LiveJob } from './live-job.js';
import { type IsOver, lostAgent, lostHands, takeFromHands } from './lost-hands.js';
import { setSequence } from './tile-case.js';
import { judgeSuspects, suspectedTiles } from './untold-in-job.js';

const held = (tile: number): HeldAttempt => [1, tile, 1, tile + 1];

/** Six tiles, all in the queue, their sequences from 1 on. */
function queuedJob(): LiveJob {
  const job = testJob({ widthPx: 96 });
  for (let tile = 0; tile < 6; tile++) {
    const next = job.takeNextTile({ workers: () => [], isIsolatedOut: false })!;
    setSequence(next.frame, next.tile, next.attempt, next.tile + 1);
  }
  return job;
}

/** An agent of two slots that has told of some tiles, and renders the first of them. */
function lostWith(job: LiveJob, name: string, ...tiles: number[]) {
  const inHand = [{ jobId: job.jobId, attempts: tiles.map(held), rendering: 1 }];
  const heartbeat = {
    ...{ nodeId: name as NodeId, instanceId: `${name}#1`, hostName: '', agentVersion: '', startedAtMs: 0 },
    ...{ cores: 1, memoryBytes: 0, memoryUsedBytes: 0, renderers: [], tilesDone: 0, slots: 2, slotsBusy: 1 },
    ...{ jobIds: [job.jobId], inHand, inHandLeftOut: 0, leaving: false },
  };
  const instance: Instance = {
    ...{ nodeId: name as NodeId, heartbeat, lastHeartbeatAtMs: 900, isLost: true, givenAway: new Map() },
  };
  return { instance, how: 'killed', isCrash: true };
}

const numbers = (tiles: readonly { readonly tile: number }[]) => tiles.map(({ tile }) => tile);

describe('agents that are lost', () => {
  it('leave what they had told of to others, but for what another one has', () => {
    const job = queuedJob();
    const isOver: IsOver = () => false;
    const lost = [lostWith(job, 'a', 0, 1, 2), lostWith(job, 'b', 3)];
    const hands = lostHands(lost, isOver).get(job.jobId)!;
    const taken = takeFromHands(job, hands, [held(1)]);
    expect(taken.map(({ tiles, atWork }) => [numbers(tiles), numbers(atWork)])).toEqual([
      [[0, 2], [0]],
      [[3], [3]],
    ]);
    expect([...lost[0]!.instance.givenAway.get(job.jobId)!]).toEqual(['1/0/1', '1/2/1']);
  });

  it('one after the other leave a tile that went from the one to the other, which never told of it', () => {
    const job = queuedJob();
    const isOver: IsOver = (_jobId, [frame, tile, attempt]) => job.isOver(frame, tile, attempt);
    const given = new GivenTiles();
    const [first, second] = [lostWith(job, 'a', 0), lostWith(job, 'b')];
    const agents = [lostAgent(first, isOver, 1_000), lostAgent(second, isOver, 1_300)];
    expect(agents.map(({ spareSlots }) => spareSlots)).toEqual([1, 2]);
    given.agentLost(1_000);
    const [hand] = takeFromHands(job, lostHands([first], isOver).get(job.jobId)!, []);
    given.give(job.jobId, hand!.tiles, 1_000);
    given.agentLost(1_300);
    const look = { deliveredUpTo: 1, acknowledgedUpTo: 0, leased: 1, isWaitedFor: false };
    const ask = (lost: typeof agents) => {
      const sweep = { job, look, lookedAtMs: 1_400, lost, given };
      const { gone, atWork } = judgeSuspects(sweep, suspectedTiles(sweep, []), 1_500);
      return [numbers(gone), numbers(atWork)];
    };
    expect(ask(agents.slice(0, 1)), 'by its own loss it went to others').toEqual([[], []]);
    expect(ask(agents)).toEqual([[0], [0]]);
  });
});
