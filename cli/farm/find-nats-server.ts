/** Where the nats-server program is, and whether it is new enough. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FarmError, messageOf } from '#shared/errors.js';

/** Debian puts it in /usr/sbin, which is not on an ordinary user's PATH. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
export const NATS_SERVER_VERSION_MIN = '2.9.0';

export interface NatsServerProgram {
  readonly path: string;
  /** e.g. `2.9.10` */
  readonly version: string;
}

/** @throws TOOL_MISSING when there is none, or only one that is too old; the message says how to get one. */
export function findNatsServer(env: NodeJS.ProcessEnv = process.env): NatsServerProgram {
  const path = [...(env['PATH'] ?? '').split(delimiter), ...MORE_FOLDERS]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'nats-server'))
    .find(isExecutable);
  if (path === undefined)
    throw new FarmError('TOOL_MISSING', `nats-server is not on this machine; ${natsInstallHint()}`);
  const run = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  const version = /v?(\d+\.\d+\.\d+)/.exec(`${run.stdout ?? ''}${run.stderr ?? ''}`)?.[1];
  if (version === undefined) {
    const why = run.error ? messageOf(run.error) : `it printed "${(run.stdout ?? '').trim().slice(0, 80)}"`;
    throw new FarmError('TOOL_MISSING', `${path} does not tell its version (${why}); ${natsInstallHint()}`);
  }
  if (version.localeCompare(NATS_SERVER_VERSION_MIN, 'en', { numeric: true }) < 0) {
    throw new FarmError(
      'TOOL_MISSING',
      `${path} is version ${version}, but ${NATS_SERVER_VERSION_MIN} or later is needed; ${natsInstallHint()}`,
    );
  }
  return { path, version };
}

/** The exact command for this kind of machine. */
export function natsInstallHint(): string {
  if (process.platform === 'darwin') return 'install it with: brew install nats-server';
  if (isExecutable('/usr/bin/apt-get')) return 'install it with: sudo apt-get install -y nats-server';
  return 'install nats-server 2.9 or later (https://docs.nats.io/running-a-nats-service/introduction/installation) and put it on PATH';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
