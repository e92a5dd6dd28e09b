/** NodeService: the machines that render. */
import { FarmError } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import type { NodeServiceHandlers } from '#shared/wire/generated/guian/v1/NodeService.js';
import type { Loops } from '../../loops/start-loops.js';
import { unary } from './handlers.js';
import { toWireNode } from './to-wire.js';

export function nodeService(loops: Pick<Loops, 'nodes' | 'forgiveNode'>, log: Logger): NodeServiceHandlers {
  const find = (nodeId: string) => {
    const node = loops.nodes.find(nodeId);
    if (node) return node;
    const shown = nodeId.slice(0, 140);
    throw new FarmError(
      'NODE_NOT_FOUND',
      `there is no node ${JSON.stringify(shown)}; "guian nodes" lists them`,
      { nodeId: shown },
    );
  };
  return {
    List: unary(log, () => ({ nodes: loops.nodes.list().map(toWireNode) })),
    Forgive: unary(log, async ({ nodeId }) => {
      await loops.forgiveNode(find(nodeId).heartbeat.nodeId);
      return toWireNode(find(nodeId));
    }),
  };
}
