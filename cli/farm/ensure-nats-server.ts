/** nats-server is the one program that npm does not bring: found, or installed where this user may, or told how. */
import { spawn, spawnSync } from 'node:child_process';
import { FarmError, messageOf } from '#shared/errors.js';
import { findNatsServer, type NatsServerProgram } from './find-nats-server.js';

/** @throws TOOL_MISSING with the exact command when it is missing and cannot be installed from here. */
export async function ensureNatsServer(): Promise<NatsServerProgram> {
  try {
    return findNatsServer();
  } catch (missing) {
    const apt = aptCommand();
    if (apt === undefined) throw missing;
    const tried = [await runQuietly([...apt, 'install', '-y', '--no-install-recommends', 'nats-server'])];
    if (tried[0] !== undefined) {
      // The usual reason: package lists that were never fetched, as in a fresh container.
      await runQuietly([...apt, 'update']);
      tried.push(await runQuietly([...apt, 'install', '-y', '--no-install-recommends', 'nats-server']));
    }
    try {
      return findNatsServer();
    } catch (still) {
      throw new FarmError(
        'TOOL_MISSING',
        `${messageOf(still)} (tried it here: ${tried.at(-1) ?? 'it went well, but the program is not there'})`,
        {},
        { cause: still },
      );
    }
  }
}

/** `apt-get`, as root or through sudo without a password; undefined where neither is possible. */
function aptCommand(): string[] | undefined {
  if (spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined;
  if (process.getuid?.() === 0) return ['apt-get'];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
    ? ['sudo', '-n', 'apt-get']
    : undefined;
}

/** @returns the end of its output when it failed. */
async function runQuietly(command: readonly string[]): Promise<string | undefined> {
  process.stderr.write(`guian: ${command.join(' ')} …\n`);
  return new Promise((resolve) => {
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-2_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) =>
      resolve(code === 0 ? undefined : output.trim().split('\n').slice(-2).join(' | ')),
    );
  });
}
