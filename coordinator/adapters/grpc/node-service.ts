/** NodeService: the machines that render, what admins set of them, and what they work on. */
import type { NodeId } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import type { Node } from '#shared/wire/generated/guian/v1/Node.js';
import type { NodeServiceHandlers } from '#shared/wire/generated/guian/v1/NodeService.js';
import type { Admin } from '../../admin/admin.js';
import { effectiveNode } from '../../admin/effective.js';
import type { KnownNode, NodeTable } from '../../loops/nodes.js';
import type { SchedulerView } from '../../scheduling/scheduler-view.js';
import { unary } from './handlers.js';
import { toActor, toNodeAction, toNodeId } from './to-action.js';
import { toWireNode, toWireWait } from './to-wire.js';

export interface NodeServiceHooks {
  readonly nodes: Pick<NodeTable, 'list' | 'find' | 'forgetLost'>;
  /** Nothing that a node has failed counts any more. Resolves when that is recorded. */
  forgiveNode(nodeId: NodeId): Promise<void>;
  readonly admin: Admin;
  readonly scheduler: SchedulerView;
}

export function nodeService(hooks: NodeServiceHooks, log: Logger): NodeServiceHandlers {
  const { nodes, admin, scheduler } = hooks;
  const show = (node: KnownNode): Node => {
    const { heartbeat } = node;
    const effective = effectiveNode(heartbeat, admin.settings.nodes.get(heartbeat.nodeId));
    return toWireNode(node, { effective, assigned: scheduler.assignedTo(heartbeat.nodeId) });
  };
  /** A node of which something is set stays known while it is away. */
  const showKnown = (nodeId: NodeId): Node => {
    const node = nodes.find(nodeId);
    if (node) return show(node);
    const settings = admin.settings.nodes.get(nodeId);
    const { pools, tags } = effectiveNode({}, settings);
    return { nodeId, state: 'lost', reason: 'it has not been heard of', pools: [...pools], tags: [...tags] };
  };
  /** @throws NODE_NOT_FOUND unless it is listed, or something is set for it. */
  const assertKnown = (nodeId: NodeId) => {
    if (!admin.settings.nodes.has(nodeId)) find(nodes, nodeId);
  };
  return {
    List: unary(log, () => ({ nodes: nodes.list().map(show) })),

    Forgive: unary(log, async ({ nodeId }) => {
      await hooks.forgiveNode(find(nodes, nodeId).heartbeat.nodeId);
      return show(find(nodes, nodeId));
    }),

    Set: unary(log, async (request) => {
      const nodeId = toNodeId(request.nodeId);
      await admin.apply(toActor(request.actor), toNodeAction(request), () => assertKnown(nodeId));
      return showKnown(nodeId);
    }),

    Remove: unary(log, async (request) => {
      const nodeId = toNodeId(request.nodeId);
      await admin.apply(toActor(request.actor), { kind: 'node_removed', nodeId }, () => {
        assertKnown(nodeId);
        assertAway(nodes.find(nodeId));
      });
      // It is removed now, whatever its agent does: one that came back meanwhile has come after that.
      nodes.forgetLost(nodeId);
      return {};
    }),

    Why: unary(log, (request) => {
      const nodeId = toNodeId(request.nodeId);
      assertKnown(nodeId);
      const node = nodes.find(nodeId);
      if (!node) return { nodeId, state: 'lost' };
      const { slots, slotsBusy } = node.heartbeat;
      return {
        ...{ nodeId, state: node.state, slots, slotsBusy },
        assigned: scheduler.assignedTo(nodeId).map((job) => ({ jobId: job.jobId, slots: job.slots })),
        jobs: scheduler.whyNode(nodeId).map(({ waits, ...job }) => ({
          jobId: job.jobId,
          slots: job.slots,
          waits: waits.map(toWireWait),
        })),
      };
    }),
  };
}

/** @throws NODE_NOT_FOUND */
function find(nodes: NodeServiceHooks['nodes'], nodeId: string): KnownNode {
  const node = nodes.find(nodeId);
  if (node) return node;
  const shown = nodeId.slice(0, 140);
  throw new FarmError(
    'NODE_NOT_FOUND',
    `there is no node ${JSON.stringify(shown)}; "guian nodes" lists them`,
    { nodeId: shown },
  );
}

/** @throws STILL_IN_USE */
function assertAway(node: KnownNode | undefined): void {
  if (!node || node.state === 'lost') return;
  const { nodeId } = node.heartbeat;
  throw new FarmError(
    'STILL_IN_USE',
    `node ${nodeId} is ${node.state} and would come back with its next heartbeat; stop its agent first, or "guian node drain ${nodeId}"`,
    { nodeId },
  );
}
