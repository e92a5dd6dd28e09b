/** Which nodes may take tiles of a job. What is written to the bucket: tests/integration/node-states.test.ts. */
import { expect, it } from 'vitest';
import { decodeMessage, encodeMessage, heartbeatSchema } from '#shared/bus/messages.js';
import { type JobId, newJobId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import { Assigner } from './assign.js';
import type { KnownNode } from './nodes.js';

const [first, second, third] = ['first', 'second', 'third'].map(newJobId) as [JobId, JobId, JobId];

const HAS = [{ name: 'blender', version: '3.4.1' }];
const HOOKS = {
  ...{
    kicked: () => undefined,
    looked: () => undefined,
    needsOf: () => 'blender 3.4.1',
    isPinned: () => true,
  },
  listNodes: (): readonly KnownNode[] => [],
};

function node(
  nodeId: string,
  changes: Partial<KnownNode> = {},
  blockedFor: readonly JobId[] = [],
): KnownNode {
  const heartbeat = {
    ...{ nodeId, instanceId: nodeId, hostName: nodeId, agentVersion: '0', startedAtMs: 0, slots: 1 },
    ...{ slotsBusy: 0, cores: 1, memoryBytes: 0, memoryUsedBytes: 0, renderers: HAS, jobIds: [] },
    ...{ tilesDone: 0, inHand: [], inHandLeftOut: 0, leaving: false },
  };
  const blocks = blockedFor.map((jobId) => ({ jobId, failures: 3, untilMs: 1, code: 'RENDER_FAILED' }));
  return {
    heartbeat: decodeMessage(heartbeatSchema, encodeMessage(heartbeat), nodeId),
    ...{ state: 'ready', reason: '', standing: { blocks, quarantine: undefined }, lastHeartbeatAtMs: 0 },
    ...changes,
  };
}

it('nodes that are ready may take tiles of every job that they are not blocked for', () => {
  let nodes = [
    node('a'),
    node('b', {}, [first, second]),
    node('c', {}, [first]),
    ...(['draining', 'quarantined', 'lost'] as const).map((state) => node(state, { state })),
  ];
  let looks = 0;
  const listNodes = () => {
    looks++;
    return nodes;
  };
  const assigner = new Assigner({} as Farm, { ...HOOKS, listNodes });
  for (let time = 0; time < 2; time++) {
    expect(assigner.workersOf(first)).toEqual(['a']);
    expect(assigner.workersOf(second)).toEqual(['a', 'c']);
    expect(assigner.workersOf(third)).toEqual(['a', 'b', 'c']);
  }
  expect(looks, 'one look serves all jobs').toBe(1);
  nodes = [node('d')];
  assigner.kick();
  expect(assigner.workersOf(first)).toEqual(['d']);
});

it('only nodes with the very version of its renderer may take tiles of a job, and no node before it has one', () => {
  const nodeWith = (nodeId: string, versions: readonly string[]): KnownNode => {
    const { heartbeat, ...known } = node(nodeId);
    const renderers = versions.map((version) => ({ name: 'blender', version }));
    return { ...known, heartbeat: { ...heartbeat, renderers } };
  };
  const nodes = [
    nodeWith('a', ['3.4.1']),
    nodeWith('b', ['3.4.1', '4.0']),
    nodeWith('c', ['4.0']),
    nodeWith('d', []),
  ];
  const needs = new Map([
    [first, 'blender 3.4.1'],
    [second, 'blender 4.0'],
  ]);
  const needsOf = (jobId: JobId) => needs.get(jobId);
  const assigner = new Assigner({} as Farm, { ...HOOKS, needsOf, listNodes: () => nodes });
  expect(assigner.workersOf(first)).toEqual(['a', 'b']);
  expect(assigner.workersOf(second)).toEqual(['b', 'c']);
  expect(assigner.workersOf(third)).toEqual([]);
  const lacks = assigner.lacksRenderer!;
  const lacking = (jobId: JobId) =>
    nodes.map(({ heartbeat }) => heartbeat.nodeId).filter((nodeId) => lacks(nodeId, jobId));
  expect(lacking(first)).toEqual(['c', 'd']);
  expect(lacking(third)).toEqual(['a', 'b', 'c', 'd']);
  const alike = new Assigner({} as Farm, { ...HOOKS, listNodes: () => [node('a'), node('b')] });
  expect(alike.lacksRenderer).toBeUndefined();
});
