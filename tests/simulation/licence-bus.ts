/** What agents and a coordinator see of a world in which licences are counted. */

import type { LicencePolicy } from '#coordinator/scheduling/farm-model.js';
import type { Assignment, Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { Random } from '#tests/simulation/random.js';
import type { VirtualTime } from '#tests/simulation/virtual-time.js';

export type AssignedShare = Assignment['jobs'][number];

/** What the bucket holds for a node. */
export interface StoredWrite {
  readonly assignment: Assignment;
  readonly revision: number;
  readonly createdMs: number;
}

export const NODES = ['n1', 'n2', 'n3'] as readonly string[] as readonly NodeId[];
export const JOBS = ['j1', 'j2', 'j3', 'j4'] as readonly string[] as readonly JobId[];
const LICENCES = new Map<JobId, readonly string[]>(
  JOBS.map((jobId, index) => [jobId, [['nuke'], ['nuke'], ['nuke', 'vray'], ['vray']][index]!]),
);
export const licencesOf = (jobId: JobId): readonly string[] => LICENCES.get(jobId) ?? [];

/** See licence-world.ts. */
export interface LicenceBus {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly bucket: ReadonlyMap<NodeId, StoredWrite>;
  readonly ended: ReadonlySet<JobId>;
  readonly wanted: ReadonlyMap<NodeId, ReadonlyMap<JobId, number>>;
  readonly policy: ReadonlyMap<string, LicencePolicy>;
  readonly sequence: number;
  readonly isServerUp: boolean;
  ask(nodeId: NodeId, answered: (write: StoredWrite | undefined) => void): void;
  say(heartbeat: Heartbeat, lateMs: number): void;
  put(nodeId: NodeId, assignment: Assignment, done: (revision: number | undefined) => void): void;
  settle(inUse: ReadonlyMap<string, number>): void;
}
