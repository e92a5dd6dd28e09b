/** A minute of chaos with a fixed seed. Its figures are printed, its invariants are asserted: see chaos.ts. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { auditProcesses } from './audit.js';
import { MARK } from './chaos-farm.js';

const PROGRAM = fileURLToPath(new URL('./chaos.js', import.meta.url));
/** The minute, what runs then let to finish (chaos.ts), and the audit, on a machine full of other tests. */
const TEST_MS = 420_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function chaos(
  args: readonly string[],
  onStderr: (soFar: string, pid: number) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (data: Buffer) => {
      text[name] += data.toString();
      if (name === 'stderr') onStderr(text.stderr, child.pid!);
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
  });
}

describe('chaos', () => {
  it(
    'a minute of it loses, doubles and falsifies nothing',
    async () => {
      const ended = await chaos(['--minutes', '1', '--seed', '4', '--kill-every', '5s', '--json']);
      const story = ended.stderr.split('\n');
      process.stdout.write(
        `${story.slice(story.findLastIndex((line) => line.includes('faults survived'))).join('\n')}\n`,
      );
      expect(ended.code, ended.stderr).toBe(0);
      const outcome = JSON.parse(ended.stdout) as { violations: string[]; jobs: number };
      expect(outcome.violations).toEqual([]);
      expect(outcome.jobs).toBeGreaterThan(3);
    },
    TEST_MS,
  );

  it('an interrupted run leaves nothing behind', async () => {
    let folder: string | undefined;
    const ended = await chaos(['--minutes', '1', '--seed', '4', '--json'], (soFar, pid) => {
      if (folder !== undefined || !soFar.includes('the farm is at work')) return;
      folder = /folder (\S+)/.exec(soFar)?.[1];
      process.kill(pid, 'SIGINT');
    });
    expect(ended.code, ended.stderr).toBe(130);
    expect(folder).toBeDefined();
    expect(existsSync(folder!)).toBe(false);
    expect(await auditProcesses(`${MARK}=${folder}`)).toEqual([]);
  });

  it.each([
    [['--only', 'agent-kil'], /--only "agent-kil": it must be some of agent-kill, /],
    [['--minutes', '0'], /--minutes "0": it must be a number from/],
    [['--kill-every', '10'], /--kill-every "10": it must be a time/],
  ])('%j is refused', async (args, says) => {
    const ended = await chaos(args);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(says);
  });
});
