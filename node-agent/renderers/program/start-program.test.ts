/** With real processes, in each kind of sandbox that this machine has. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS } from '#shared/limits.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { markedProcesses } from './process-tree.js';
import type { ProgramRequest, RunningProgram, Sandbox } from './program.js';
import { MARK } from './program-command.js';
import { probeSandbox } from './sandbox.js';
import { startProgram } from './start-program.js';

const MIB = 1024 * 1024;
const { sandbox: best, description } = await probeSandbox();
if (best === 'none') console.warn(`programs are tested without a sandbox: ${description}`);
const sandboxes: Sandbox[] = best === 'none' ? ['none'] : ['none', best];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guian-program-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Extra = Partial<Omit<ProgramRequest, 'executable' | 'args'>>;
let runs = 0;

function start(executable: string, args: readonly string[], extra: Extra): RunningProgram {
  const scratchFolder = join(folder, `scratch-${++runs}`);
  mkdirSync(scratchFolder);
  return startProgram({
    executable,
    args,
    sandbox: 'none',
    readableFolders: [],
    scratchFolder,
    memoryBytesMax: 200 * MIB,
    fileBytesMax: MIB,
    ...extra,
  });
}
const shell = (script: string, extra: Extra) => start('/bin/bash', ['-c', script], extra);
const python = (script: string, extra: Extra) => start('/usr/bin/python3', ['-c', script], extra);
/** Whatever runs for any program that these tests started. */
const leftovers = () => markedProcesses(MARK, `${folder}/`);

/** A program, and its first message. */
function withMessage(
  run: (extra: Extra) => RunningProgram,
  extra: Extra,
): [RunningProgram, Promise<unknown>] {
  let program: RunningProgram | undefined;
  const message = new Promise((resolve, reject) => {
    program = run({ ...extra, onMessage: resolve });
    program.exited.then((exit) => reject(new Error(`no message: ${JSON.stringify(exit)}`)));
  });
  return [program as RunningProgram, message];
}

describe.each(sandboxes)('a program in sandbox %s', (sandbox) => {
  test('is told by lines, answers on descriptor 3, and ends when its input does', async () => {
    const [program, message] = withMessage(
      (extra) =>
        shell('read line; echo "{\\"heard\\":$line}" >&3; read end; echo out; echo err >&2; exit 7', extra),
      { sandbox },
    );
    program.send({ tile: 'é' });
    expect(await message).toEqual({ heard: { tile: 'é' } });
    program.end();
    expect(await program.exited).toEqual({ code: 7, signal: null });
    expect(program.logTail().split('\n').sort()).toEqual(['', 'err', 'out']);
    program.send('to nobody');
    program.kill();
  });

  test('has the environment it was given and no other, in its scratch folder', async () => {
    const scratchFolder = mkdtempSync(join(folder, 'own-'));
    const program = shell('env | sort; umask >/dev/null; touch "$TMPDIR/made" here', {
      sandbox,
      scratchFolder,
      env: { KERNEL: 'sse41' },
    });
    expect((await program.exited).code).toBe(0);
    const names = program.logTail().match(/^\w+(?==)/gm);
    expect(names).toEqual([
      'GLIBC_TUNABLES',
      'GUIAN_PROGRAM',
      'HOME',
      'KERNEL',
      'PATH',
      'PWD',
      'SHLVL',
      'TMPDIR',
      '_',
    ]);
    expect(program.logTail()).toContain(`PWD=${scratchFolder}\n`);
    expect(readdirSync(scratchFolder).sort()).toEqual(['here', 'tmp']);
    expect(readdirSync(join(scratchFolder, 'tmp'))).toContain('made');
  });

  test('that crashes shows its own signal', async () => {
    expect(await shell('kill -SEGV $$', { sandbox }).exited).toEqual({ code: null, signal: 'SIGSEGV' });
  });

  test('is gone with its daemons when it is killed, and when it ends', async () => {
    const daemon = 'setsid sleep 1000 & sleep 0.05; echo 1 >&3;';
    const [killed, running] = withMessage((extra) => shell(`${daemon} wait`, extra), { sandbox });
    await running;
    expect(leftovers().length).toBeGreaterThan(1);
    killed.kill();
    expect(await killed.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(leftovers()).toEqual([]);
    expect(await shell(`(${daemon})`, { sandbox }).exited).toEqual({ code: 0, signal: null });
    expect(leftovers()).toEqual([]);
  });

  test('is killed when it and its children take more memory than they may', async () => {
    const hog = 'import os\nos.fork()\nx=[]\nwhile True: x.append(b"x"*1000000)';
    const program = python(hog, { sandbox });
    const exit = await program.exited;
    expect(exit.signal).toBe('SIGKILL');
    expect(exit.excessBytes).toBeGreaterThan(200 * MIB);
    expect(exit.reason).toMatch(/^its memory of \d+ bytes is over the limit of 209715200$/);
    expect(program.use().peakMemoryBytes).toBeGreaterThanOrEqual(exit.excessBytes ?? Infinity);
    expect(leftovers()).toEqual([]);
  });

  test('is not charged twice for memory that its children share', async () => {
    const shares =
      'import os,time\nx=b"x"*100000000\nfor _ in range(3):\n if os.fork()==0: time.sleep(.4); os._exit(0)\nfor _ in range(3): os.wait()';
    const program = python(shares, { sandbox });
    expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(program.use().peakMemoryBytes).toBeGreaterThan(100 * MIB * 0.9);
  });

  test('tells the time of its children, those that ended too', async () => {
    const burn = "/usr/bin/python3 -c 'import time\nwhile time.process_time() < 0.3: pass'";
    const program = shell(`${burn}; ${burn} & wait`, { sandbox });
    expect((await program.exited).code).toBe(0);
    const { coreSeconds, memoryBytes } = program.use();
    // In a sandbox its end can outrun the last look at it, of which there are five a second.
    expect(coreSeconds).toBeGreaterThan(0.35);
    expect(coreSeconds).toBeLessThan(1);
    expect(memoryBytes).toBe(0);
  });

  test('may talk as much as it likes: the end of it is kept', async () => {
    const program = shell('head -c 20000000 /dev/zero | tr "\\0" x; echo; echo the end', { sandbox });
    expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(program.logTail()).toHaveLength(LIMITS.logTailCharsMax);
    expect(program.logTail().endsWith('x\nthe end\n')).toBe(true);
  });

  test('writes no file beyond its size, and no core', async () => {
    const scratchFolder = mkdtempSync(join(folder, 'own-'));
    const program = shell('ulimit -c; head -c 3000000 /dev/zero >large', { sandbox, scratchFolder });
    await program.exited;
    expect(program.logTail()).toMatch(/^0\n/);
    expect(statSync(join(scratchFolder, 'large')).size).toBe(MIB);
  });

  test('that makes no sense is ended with the reason', async () => {
    const garbage = shell('echo Traceback >&3; sleep 1000', { sandbox, onMessage: () => {} });
    expect(await garbage.exited).toEqual({
      code: null,
      signal: 'SIGKILL',
      reason: 'a message is no JSON: "Traceback"',
    });
    const endless = shell('tr "\\0" x </dev/zero >&3', { sandbox });
    expect((await endless.exited).reason).toBe('a message has no end after 33554432 bytes');
    const refused = shell('echo {} >&3; sleep 1000', {
      sandbox,
      onMessage: () => {
        throw new Error('kind:\n  required');
      },
    });
    expect((await refused.exited).reason).toBe('kind: required');
    const deaf = shell('sleep 1000', { sandbox });
    for (let sent = 0; sent < 40; sent++) deaf.send('x'.repeat(MIB));
    expect((await deaf.exited).reason).toBe('it does not read what it is told');
  });

  test('leaves nothing open', async () => {
    const open = () => {
      const handles = process.getActiveResourcesInfo();
      return handles.filter((name) => /^(Pipe|Process)/.test(name)).length;
    };
    const before = open();
    const program = shell('echo 1 >&3', { sandbox });
    expect(open()).toBe(before + 5);
    await program.exited;
    // Handles close in a later turn of the loop.
    await waitUntil(() => open() === before, { describe: () => `${before} handles, not ${open()}` });
  });
});

describe('a program that cannot be started', () => {
  const reasonOf = async (executable: string, extra: Extra = {}) => {
    const program = start(executable, [], extra);
    program.send(1);
    program.kill();
    const { code, signal, reason } = await program.exited;
    expect({ code, signal, pid: program.pid }).toEqual({ code: null, signal: null, pid: 0 });
    return reason;
  };

  test('has ended with the reason', async () => {
    const plain = join(folder, 'plain');
    writeFileSync(plain, 'text');
    expect(await reasonOf('/nowhere/blender')).toBe('it could not be started: /nowhere/blender is not there');
    expect(await reasonOf(folder)).toBe(`it could not be started: ${folder} is not a file`);
    expect(await reasonOf(plain)).toBe(`it could not be started: ${plain} may not be executed`);
    expect(await reasonOf('/bin/true', { scratchFolder: plain })).toMatch(/^it could not be started: E/);
    expect(await reasonOf('/bin/true', { env: { 'A\0': '' } })).toMatch(/^it could not be started: /);
  });
});
