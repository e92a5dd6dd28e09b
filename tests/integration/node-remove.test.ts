/** A node that comes back while its removal is being written down. */
import { expect, it } from 'vitest';
import { adminCalls } from '../support/admin-calls.js';
import { startCoordinatorFarm } from '../support/coordinator-farm.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, TIMEOUT_MS } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';

it('a node that is back before its removal is on disk is removed, and listed as one that is new', async () => {
  await using farm = await startCoordinatorFarm();
  const [studio, admin] = [farmCalls(farm), adminCalls(farm)];
  let isBack: (() => Promise<unknown>) | undefined;
  await farm.start({
    wrapStore: (store) => {
      const { admin: journal } = store;
      const append = journal.append.bind(journal);
      journal.append = async (entry) => {
        const appended = await append(entry);
        await isBack?.();
        return appended;
      };
      return store;
    },
  });
  const stateOf = async (nodeId: string) =>
    (await studio.nodes()).find((node) => node.nodeId === nodeId)?.state;
  const until = (state: string) =>
    waitUntil(async () => (await stateOf('one')) === state, { timeoutMs: TIMEOUT_MS, describe: state });
  // One heartbeat, and then none for so long that it is lost.
  const silent = startFakeNode(farm.bus, 'one');
  silent.fallSilent();
  await until('ready');
  await admin.setNode({ nodeId: 'one', tags: { names: ['fast'] } });
  await until('lost');
  const nodes: Disposable[] = [];
  isBack = async () => {
    nodes.push(startFakeNode(farm.bus, 'one'));
    await until('ready');
  };
  await admin.removeNode('one');
  isBack = undefined;
  const [node] = await studio.nodes();
  expect(node).toMatchObject({ nodeId: 'one', state: 'ready', tags: [] });
  for (const one of nodes) one[Symbol.dispose]();
});
