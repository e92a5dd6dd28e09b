/** The agent's configuration, defined once (see shared/config.ts). */
import { availableParallelism, homedir, hostname } from 'node:os';
import { join } from 'node:path';
import {
  address,
  bytes,
  type ConfigType,
  choice,
  defineConfig,
  duration,
  files,
  folder,
  integer,
  list,
  logLevelField,
  natsUrlField,
  nodeIdField,
  prefixField,
  programPaths,
} from '#shared/config.js';
import { formatDurationMs } from '#shared/domain/duration.js';
import { slug } from '#shared/domain/ids.js';
import { schedulingNameSchema } from '#shared/domain/schedule.js';
import { DEFAULTS, LIMITS } from '#shared/limits.js';
import { GPUS_ALLOWED, gpuKindSchema } from './gpus.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Below the 90 s after which systemd kills a service that it has told to stop. */
const DEFAULT_GRACE_MS = 30_000;

/** `auto`: bubblewrap where it works. `require`: without it no program renders here. */
export const SANDBOX_MODES = ['auto', 'require', 'off'] as const;

export const agentConfig = defineConfig('agent', {
  natsUrl: natsUrlField,
  prefix: prefixField,
  coordinatorAddress: address({
    flag: '--coordinator',
    env: 'GUIAN_COORDINATOR',
    doc: 'where scene packages come from',
    default: DEFAULTS.coordinatorAddress,
  }),
  nodeId: nodeIdField({
    flag: '--node-id',
    env: 'GUIAN_NODE_ID',
    doc: 'name of this node; unique in the farm',
    default: () => slug(hostname()),
    defaultText: 'host name',
  }),
  slots: integer({
    flag: '--slots',
    env: 'GUIAN_SLOTS',
    doc: 'tiles rendered at the same time, one thread each',
    min: 1,
    max: LIMITS.slotsPerNodeMax,
    unit: 'threads',
    default: () => Math.min(LIMITS.slotsPerNodeMax, availableParallelism()),
    defaultText: 'number of cores',
  }),
  pools: list({
    flag: '--pools',
    env: 'GUIAN_POOLS',
    doc: 'pools that this node is in, unless the admin has set others (guian node pool)',
    item: schedulingNameSchema,
    max: LIMITS.poolsPerNodeMax,
    allowed: 'names of A-Z a-z 0-9 _ . - joined by commas',
    placeholder: 'names',
  }),
  tags: list({
    flag: '--tags',
    env: 'GUIAN_TAGS',
    doc: 'what this node has that jobs may ask for, unless the admin has set others (guian node tag)',
    item: schedulingNameSchema,
    max: LIMITS.tagsMax,
    allowed: 'names of A-Z a-z 0-9 _ . - joined by commas',
    placeholder: 'names',
  }),
  gpus: list({
    flag: '--gpus',
    env: 'GUIAN_GPUS',
    doc: 'GPUs of this node, as jobs ask for them',
    item: gpuKindSchema,
    max: LIMITS.gpusPerNodeMax,
    allowed: GPUS_ALLOWED,
    placeholder: 'kinds',
  }),
  slotMemoryBytes: bytes({
    flag: '--slot-memory',
    env: 'GUIAN_SLOT_MEMORY',
    doc: "memory that a slot's tile may use, prepared frames not counted; above it the tile fails; 0 takes the default",
    min: 0,
    max: 1024 * GIB,
    default: 0,
    defaultText: '(memory of the machine − 1G) ÷ slots',
  }),
  cacheDir: folder({
    flag: '--cache',
    env: 'GUIAN_CACHE',
    doc: 'scene packages at hand; may be deleted while no agent runs',
    default: (env) => join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'guian'),
    defaultText: '~/.cache/guian',
  }),
  cacheBytesMax: bytes({
    flag: '--cache-size',
    env: 'GUIAN_CACHE_SIZE',
    doc: 'what the cache may hold; the least recently used packages go first',
    min: 16 * MIB,
    max: 1024 * 1024 * GIB,
    default: 20 * GIB,
    defaultText: '20G',
  }),
  graceMs: duration({
    flag: '--grace',
    env: 'GUIAN_GRACE',
    doc: 'what tiles in work may still take when the agent is told to stop; the rest goes to other nodes',
    min: 0,
    max: 3_600_000,
    default: DEFAULT_GRACE_MS,
    defaultText: formatDurationMs(DEFAULT_GRACE_MS),
  }),
  exitWhenIdleMs: duration({
    flag: '--exit-when-idle',
    env: 'GUIAN_EXIT_WHEN_IDLE',
    doc: 'the agent ends by itself after so long without work; 0s: it stays',
    min: 0,
    max: 7 * 24 * 3_600_000,
    default: 0,
    defaultText: '0s',
  }),
  blender: programPaths({
    flag: '--blender',
    env: 'GUIAN_BLENDER',
    doc: 'Blender, several versions side by side if wanted; a job gets the one that it asks for',
  }),
  povray: programPaths({ flag: '--povray', env: 'GUIAN_POVRAY', doc: 'POV-Ray, likewise' }),
  rendererModules: files({
    flag: '--renderer-module',
    env: 'GUIAN_RENDERER_MODULES',
    doc: 'renderers of your own: ES modules that export `renderer`, run inside the agent and trusted like it',
  }),
  sandbox: choice({
    flag: '--sandbox',
    env: 'GUIAN_SANDBOX',
    doc: 'whether Blender and POV-Ray run inside bubblewrap: where it works (auto), or else they do not run here (require), or never (off)',
    values: SANDBOX_MODES,
    default: 'auto',
  }),
  logLevel: logLevelField,
});

export type AgentConfig = ConfigType<typeof agentConfig>;
