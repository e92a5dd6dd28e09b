/** The coordinator's configuration, defined once (see shared/config.ts). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  address,
  type ConfigType,
  defineConfig,
  duration,
  type Environment,
  folder,
  integer,
  logLevelField,
  natsUrlField,
  optionalAddress,
  prefixField,
  text,
} from '#shared/config.js';
import { DEFAULTS } from '#shared/limits.js';

/** Where a farm on this machine keeps what must last: $XDG_DATA_HOME/guian. */
export function dataFolder(env: Environment): string {
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'guian');
}

export const coordinatorConfig = defineConfig('coordinator', {
  listen: address({
    flag: '--listen',
    env: 'GUIAN_LISTEN',
    doc: 'where gRPC is served; anything but loopback lets other machines in, without passwords as yet',
    default: DEFAULTS.coordinatorAddress,
  }),
  http: optionalAddress({
    flag: '--http',
    env: 'GUIAN_HTTP',
    doc: 'where /metrics (for Prometheus), /healthz and /readyz are served, to whoever can reach it; none for the farm of guian render',
  }),
  natsUrl: natsUrlField,
  prefix: prefixField,
  storeDir: folder({
    flag: '--store',
    env: 'GUIAN_STORE',
    doc: 'job records, scene packages and finished frames',
    default: (env) => join(dataFolder(env), 'store'),
    defaultText: '~/.local/share/guian/store',
  }),
  blockAfter: integer({
    flag: '--block-after',
    env: 'GUIAN_BLOCK_AFTER',
    doc: 'a node that fails so many tiles of a job, which do not fail elsewhere too, gets no more of them',
    min: 1,
    max: 1_000,
    unit: 'tiles',
    default: DEFAULTS.blockAfter,
  }),
  quarantineAfter: integer({
    flag: '--quarantine-after',
    env: 'GUIAN_QUARANTINE_AFTER',
    doc: 'a node that is blocked for jobs of so many studios gets no tiles at all',
    min: 1,
    max: 1_000,
    unit: 'studios',
    default: DEFAULTS.quarantineAfter,
  }),
  forgiveAfterMs: duration({
    flag: '--forgive-after',
    env: 'GUIAN_FORGIVE_AFTER',
    doc: 'failures older than that no longer count against a node',
    min: 1_000,
    max: 30 * 24 * 3_600_000,
    default: DEFAULTS.forgiveAfter,
  }),
  allowScripts: text({
    flag: '--allow-scripts',
    env: 'GUIAN_ALLOW_SCRIPTS',
    doc: 'studios whose scenes may run the scripts and drivers inside them, on every node; others that ask for it are refused',
    pattern: /^[A-Za-z0-9_-]{1,128}(,[A-Za-z0-9_-]{1,128}){0,999}$/,
    allowed: 'none, all, or studios joined by commas',
    placeholder: 'studios',
    default: 'none',
  }),
  logLevel: logLevelField,
});

export type CoordinatorConfig = ConfigType<typeof coordinatorConfig>;
