/** Where and on what a figure was measured: without it a figure says nothing. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { ROOT } from './root.js';

export interface Machine {
  /** ISO day. */
  readonly date: string;
  /** Short hash, with `+` when the sources differ from it; `unknown` outside a git checkout. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
}

export function thisMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(),
    cpu: (cpus()[0]?.model ?? 'unknown').trim(),
    cores: availableParallelism(),
    node: process.versions.node,
  };
}

function commitOf(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', ROOT, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    // Results that were just recorded are no change of what was measured.
    const changes = git('status', '--porcelain', '--', '.', ':!benchmarks/results');
    return git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
