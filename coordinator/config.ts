/** The coordinator's configuration, defined once (see shared/config.ts). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  address,
  type ConfigType,
  defineConfig,
  type Environment,
  folder,
  logLevelField,
  natsUrlField,
  prefixField,
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
  natsUrl: natsUrlField,
  prefix: prefixField,
  storeDir: folder({
    flag: '--store',
    env: 'GUIAN_STORE',
    doc: 'job records, scene packages and finished frames',
    default: (env) => join(dataFolder(env), 'store'),
    defaultText: '~/.local/share/guian/store',
  }),
  logLevel: logLevelField,
});

export type CoordinatorConfig = ConfigType<typeof coordinatorConfig>;
