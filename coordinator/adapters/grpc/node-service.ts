/** NodeService: the machines that render. */
import type { Logger } from '#shared/log.js';
import type { NodeServiceHandlers } from '#shared/wire/generated/guian/v1/NodeService.js';
import type { NodeTable } from '../../loops/nodes.js';
import { unary } from './handlers.js';
import { toWireNode } from './to-wire.js';

export function nodeService(nodes: NodeTable, log: Logger): NodeServiceHandlers {
  return { List: unary(log, () => ({ nodes: nodes.list().map(toWireNode) })) };
}
