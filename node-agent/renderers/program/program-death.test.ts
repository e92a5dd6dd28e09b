/** A program dies with whoever started it, however that ends. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '#tests/support/wait-until.js';
import { markedProcesses } from './process-tree.js';
import { MARK } from './program-command.js';
import { probeSandbox } from './sandbox.js';
import { clearScratch } from './scratch.js';

const { sandbox: best } = await probeSandbox();
const sandboxes = best === 'none' ? ['none'] : ['none', best];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guian-death-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** JavaScript that starts a program which ignores what it can ignore, and says so once it runs. */
const holder = (sandbox: string, scratchFolder: string, say: string, script = '') => `
  import { startProgram } from ${JSON.stringify(new URL('./start-program.js', import.meta.url).href)};
  startProgram({
    executable: '/usr/bin/python3',
    args: ['-c', ${JSON.stringify(`import os,signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n${script}\nos.write(3, b"1\\n")\ntime.sleep(1000)`)}],
    sandbox: ${JSON.stringify(sandbox)}, readableFolders: [], scratchFolder: ${JSON.stringify(scratchFolder)},
    memoryBytesMax: 1e9, fileBytesMax: 1e6, onMessage: () => { ${say} },
  });`;

function startProcess(sandbox: string, scratchFolder: string, script?: string) {
  const code = holder(sandbox, scratchFolder, 'console.log(1)', script);
  const agent = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { agent, runs: new Promise((resolve) => agent.stdout.once('data', resolve)) };
}

describe.each(sandboxes)('in sandbox %s', (sandbox) => {
  const gone = (scratchFolder: string) => markedProcesses(MARK, scratchFolder).length === 0;

  test('a program dies with its thread', async () => {
    const scratchFolder = mkdtempSync(join(folder, 'thread-'));
    const code = holder(sandbox, scratchFolder, 'parentPort.postMessage(1)');
    const worker = new Worker(
      new URL(
        `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads';${code}`)}`,
      ),
    );
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    expect(gone(scratchFolder)).toBe(false);
    await worker.terminate();
    await waitUntil(() => gone(scratchFolder), { describe: 'the end of the program' });
  });

  test('a program dies with a killed agent', async () => {
    const scratchFolder = mkdtempSync(join(folder, 'process-'));
    const { agent, runs } = startProcess(sandbox, scratchFolder);
    await runs;
    expect(gone(scratchFolder)).toBe(false);
    agent.kill('SIGKILL');
    await waitUntil(() => gone(scratchFolder), { describe: 'the end of the program' });
  });
});

test('a daemon that outlives a killed agent, which needs no sandbox, ends when its scratch folder is cleared', async () => {
  const base = mkdtempSync(join(folder, 'base-'));
  // The daemon says nothing to the agent: a pipe that breaks while it writes would end it by itself.
  const fork =
    'r, w = os.pipe()\nif os.fork() == 0:\n  os.setsid()\n  os.write(w, b"x")\n  time.sleep(1000)\nos.read(r, 1)';
  const { agent, runs } = startProcess('none', join(base, 'slot'), fork);
  await runs;
  agent.kill('SIGKILL');
  await waitUntil(() => markedProcesses(MARK, base).length === 1, { describe: 'the daemon alone' });
  await clearScratch(base);
  expect(markedProcesses(MARK, base)).toEqual([]);
});
