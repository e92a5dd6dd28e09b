/**
 * Licences under kills, cuts and losses: never more renders of jobs that need one than there were tokens when they were
 * given, and no token is lost for good.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { JOBS, licencesOf, NODES } from '#tests/simulation/licence-bus.js';
import { LicenceWorld } from '#tests/simulation/licence-world.js';

/** Longer than any fence with whatever comes before and behind it. */
const SETTLED_MS = 90_000;

interface Happening {
  readonly node: NodeId;
  readonly job: JobId;
  readonly count: number;
}

const HAPPENINGS = {
  want(world, { node, job, count }) {
    world.wanted.get(node)!.set(job, 1 + count);
    world.coordinator?.lookAt([node]);
  },
  unwant(world, { node, job }) {
    world.wanted.get(node)!.delete(job);
    world.coordinator?.lookAt([node]);
  },
  cut: (world, { node }) => world.setCut(node, true),
  heal: (world, { node }) => world.setCut(node, false),
  /** There for so short that a question may be answered, and nothing be heard. */
  blink(world, { node }) {
    world.setCut(node, false);
    world.time.after(1_000, () => world.setCut(node, true));
  },
  kill: (world, { node }) => world.agents.get(node)!.kill(),
  leave: (world, { node }) => world.agents.get(node)!.leave(),
  start: (world, { node }) => world.restart(node, 'here'),
  startElsewhere: (world, { node }) => world.restart(node, 'elsewhere'),
  killCoordinator: (world) => world.killCoordinator(),
  killServer: (world, { count }) => world.stopServer(500 + 3_000 * count),
  loseBucket: (world) => world.loseBucket(),
  setTotal: (world, { job, count }) => world.setTotal(licencesOf(job).at(-1)!, count),
  endJob(world, { job }) {
    world.ended.add(job);
    world.coordinator?.lookAt(NODES);
  },
} satisfies Record<string, (world: LicenceWorld, what: Happening) => void>;
type Kind = keyof typeof HAPPENINGS;

const KINDS = Object.keys(HAPPENINGS) as Kind[];
const happening = fc.record({
  kind: fc.oneof(
    { weight: 1, arbitrary: fc.constant<Kind>('want') },
    { weight: 3, arbitrary: fc.constantFrom(...KINDS) },
  ),
  node: fc.constantFrom(...NODES),
  job: fc.constantFrom(...JOBS),
  count: fc.nat(3),
  afterMs: fc.constantFrom(10, 300, 1_100, 2_500, 6_000, 12_000, 20_000),
});

describe('tokens of a licence', () => {
  it('are never in use more than there are, and come back, whatever is killed, cut off or lost', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom('slot' as const, 'node' as const),
        fc.nat(2),
        fc.array(happening, { maxLength: 60, size: 'max' }),
        (seed, per, total, happenings) => {
          const world = new LicenceWorld(seed, per, total);
          for (const one of happenings) {
            const happen: (world: LicenceWorld, what: Happening) => void = HAPPENINGS[one.kind];
            happen(world, one);
            world.run(one.afterMs);
          }
          for (const nodeId of NODES) world.setCut(nodeId, false);
          for (const nodeId of NODES) world.wanted.get(nodeId)!.clear();
          world.run(SETTLED_MS);
          world.coordinator!.lookAt(NODES);
          world.run(SETTLED_MS);
          expect([...world.coordinator!.gate.inUse()]).toEqual([]);
          for (const agent of world.agents.values()) agent.kill();
        },
      ),
      { numRuns: 200 },
    );
  }, 120_000);
});
