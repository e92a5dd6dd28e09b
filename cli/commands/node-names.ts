/** `guian node tag|pool NODE +gpu -old`: tags and pools of a node, in place of those that its agent announces. */
import type { Command } from 'commander';
import { FarmError } from '#shared/errors.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import type { SetNodeRequest } from '#shared/wire/generated/guian/v1/SetNodeRequest.js';
import { printJson } from '../output/table.js';
import { actor } from '../process/actor.js';
import { EXIT, oneLine } from '../process/exit-code.js';
import { farmCommand, type Options } from '../process/farm-command.js';
import { parseSchedulingName } from '../process/flag-values.js';

/** `tags` or `pools`: the same for both. */
type Kind = 'tag' | 'pool';

const EXAMPLES = {
  tag: [
    ['node tag render-07', 'what it has'],
    ['node tag render-07 +gpu -old big', 'with gpu and big, without old'],
    ['node tag render-07 --reset', 'what its agent announces again'],
  ],
  pool: [
    ['node pool render-07', 'which it is in'],
    ['node pool render-07 +film -night', 'into film, out of night'],
    ['node pool render-07 --reset', 'what its agent announces again'],
  ],
} as const;

export function nodeNamesCommand(kind: Kind): Command {
  const description =
    kind === 'tag'
      ? 'Tags a node: jobs with --tag run only where all of their tags are. Without changes, shows its tags.'
      : 'Puts a node into pools or takes it out. Without changes, shows its pools.';
  return farmCommand<[string, string[]]>(kind, description, {
    args: [
      ['<node>', 'node id, as "guian nodes" shows it'],
      ['[change...]', `+name or name adds a ${kind}, -name takes it away`],
    ],
    flags: (command) =>
      command
        .option('--reset', `its own ${kind}s again, as its agent announces them`)
        // `-old` looks like a flag, and `-hot` like -h.
        .allowUnknownOption()
        .helpOption('--help', 'display help for command'),
    examples: EXAMPLES[kind],
    run: (farm, options, nodeId, changes) => changeNames(farm, options, kind, nodeId, changes),
  });
}

async function changeNames(
  farm: CoordinatorClient,
  options: Options,
  kind: Kind,
  nodeId: string,
  changes: readonly string[],
): Promise<number> {
  const isReset = options['reset'] === true;
  if (isReset && changes.length > 0)
    throw new FarmError('USAGE_INVALID', `--reset takes no changes; leave "${changes.join(' ')}" out`);
  const parsed = parseChanges(kind, changes);
  let node: Node__Output;
  if (isReset) node = await setNode(farm, { nodeId, ...resetOf(kind) });
  else {
    node = await getNode(farm, nodeId);
    if (parsed.length > 0)
      node = await setNode(farm, { nodeId, ...namesOf(kind, applied(node, kind, parsed)) });
  }
  if (options['json'] === true) printJson(node);
  else process.stdout.write(`${oneLine(namesText(node, kind))}\n`);
  return EXIT.done;
}

export interface NameChange {
  readonly name: string;
  readonly isAdded: boolean;
}

/** @throws USAGE_INVALID */
export function parseChanges(kind: Kind, changes: readonly string[]): readonly NameChange[] {
  return changes.map((text) => {
    if (text.startsWith('--')) throw new FarmError('USAGE_INVALID', `unknown option '${text.slice(0, 80)}'`);
    const name = parseSchedulingName(text.replace(/^[+-]/, ''), kind);
    return { name, isAdded: !text.startsWith('-') };
  });
}

/** In order of the alphabet, so that the same names are the same list. The last word about a name counts. */
export function applyChanges(names: readonly string[], changes: readonly NameChange[]): string[] {
  const result = new Set(names);
  for (const { name, isAdded } of changes) {
    if (isAdded) result.add(name);
    else result.delete(name);
  }
  return [...result].sort();
}

const applied = (node: Node__Output, kind: Kind, changes: readonly NameChange[]): string[] =>
  applyChanges(kind === 'tag' ? node.tags : node.pools, changes);

const namesOf = (kind: Kind, names: string[]): SetNodeRequest =>
  kind === 'tag' ? { tags: { names } } : { pools: { names } };

const resetOf = (kind: Kind): SetNodeRequest => (kind === 'tag' ? { resetTags: true } : { resetPools: true });

export function namesText({ nodeId, tags, pools }: Node__Output, kind: Kind): string {
  const names = kind === 'tag' ? tags : pools;
  const what = kind === 'tag' ? 'has' : 'is in';
  return `node ${nodeId} ${what} ${names.length === 0 ? `no ${kind}s` : `${kind}s ${names.join(', ')}`}`;
}

function setNode(farm: CoordinatorClient, request: SetNodeRequest): Promise<Node__Output> {
  return call<Node__Output>(farm, (grpc, done) => farm.nodes.set({ ...request, actor: actor() }, grpc, done));
}

/** @throws NODE_NOT_FOUND */
async function getNode(farm: CoordinatorClient, nodeId: string): Promise<Node__Output> {
  const { nodes } = await call<ListNodesResponse__Output>(farm, (grpc, done) =>
    farm.nodes.list({}, grpc, done),
  );
  const node = nodes.find((one) => one.nodeId === nodeId);
  if (node) return node;
  throw new FarmError('NODE_NOT_FOUND', `there is no node "${nodeId}"; "guian nodes" lists them`, { nodeId });
}
