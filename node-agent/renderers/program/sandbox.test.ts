/** What a program in the sandbox can not do, tried by one; and what it can. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox } from './program.js';
import { probeSandbox } from './sandbox.js';
import { startProgram } from './start-program.js';

const { sandbox, description } = await probeSandbox();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guian-sandbox-'));
  for (const name of ['package', 'scratch', 'neighbour']) mkdirSync(join(folder, name));
  for (const name of ['package', 'neighbour']) writeFileSync(join(folder, name, 'file'), name);
  // A package must not be a way out.
  symlinkSync(join(folder, 'neighbour', 'file'), join(folder, 'package', 'link'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SCRIPT = `
import json, os, socket, sys
folder, home, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
def tried(act):
    try:
        act()
        return True
    except OSError:
        return False
def write(path):
    with open(path, 'w') as file: file.write('x')
def read(path):
    with open(path) as file: file.read()
answer = {
    'network': tried(lambda: socket.create_connection(('127.0.0.1', port), 2)),
    'neighbour': tried(lambda: read(folder + '/neighbour/file')),
    'link': tried(lambda: read(folder + '/package/link')),
    'package': tried(lambda: read(folder + '/package/file')),
    'packageWrite': tried(lambda: write(folder + '/package/file')),
    'packageNew': tried(lambda: write(folder + '/package/new')),
    'scratchWrite': tried(lambda: write(folder + '/scratch/made')),
    'temporaryWrite': tried(lambda: write('/tmp/made')),
    'systemWrite': tried(lambda: write('/usr/made-by-guian-test')),
    'rootWrite': tried(lambda: write('/made-by-guian-test')),
    'memoryWrite': tried(lambda: write('/dev/shm/made-by-guian-test')),
    'home': tried(lambda: os.listdir(home)),
    'accounts': tried(lambda: read('/etc/passwd')),
    'agent': tried(lambda: os.kill(int(sys.argv[4]), 0)),
    'root': os.getuid() == 0,
}
with os.fdopen(3, 'w') as out: out.write(json.dumps(answer) + '\\n')
`;

async function attempt(kind: Sandbox, port: number): Promise<unknown> {
  let answer: unknown;
  const program = startProgram({
    executable: '/usr/bin/python3',
    args: ['-c', SCRIPT, folder, homedir(), String(port), String(process.pid)],
    sandbox: kind,
    readableFolders: [join(folder, 'package')],
    scratchFolder: join(folder, 'scratch'),
    memoryBytesMax: 2 ** 30,
    fileBytesMax: 2 ** 20,
    onMessage: (message) => {
      answer = message;
    },
  });
  const exit = await program.exited;
  expect(exit, program.logTail()).toEqual({ code: 0, signal: null });
  return answer;
}

test('this machine says in one line whether it has a sandbox', () => {
  expect(description).toMatch(sandbox === 'bubblewrap' ? /^bubblewrap \d/ : /^none: .+\(.+\)/);
  expect(description).not.toContain('\n');
});

if (sandbox === 'none') console.warn(`the sandbox is not tested here: ${description}`);
else
  describe('a program in the sandbox', () => {
    test('reads its package and the system, writes its scratch folder, and reaches nothing else', async () => {
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const can = { package: true, scratchWrite: true, temporaryWrite: true };
      expect(await attempt('bubblewrap', port)).toEqual({
        ...{ network: false, neighbour: false, link: false, packageWrite: false, packageNew: false },
        ...{ systemWrite: false, rootWrite: false, memoryWrite: false, home: false, accounts: false },
        ...{ agent: false, root: false },
        ...can,
      });
      expect(existsSync(join(folder, 'scratch', 'made'))).toBe(true);
      expect(existsSync('/tmp/made')).toBe(false);
      await new Promise((resolve) => server.close(resolve));
    });

    test('may be installed anywhere, behind a link too', async () => {
      const installed = join(folder, 'opt', 'program-1.0');
      mkdirSync(installed, { recursive: true });
      copyFileSync(realpathSync('/bin/cat'), join(installed, 'program'));
      writeFileSync(join(installed, 'data'), 'beside it');
      symlinkSync(join(installed, 'program'), join(folder, 'link'));
      const program = startProgram({
        executable: join(folder, 'link'),
        args: [join(installed, 'data')],
        sandbox: 'bubblewrap',
        readableFolders: [],
        scratchFolder: join(folder, 'scratch'),
        memoryBytesMax: 2 ** 30,
        fileBytesMax: 2 ** 20,
      });
      expect(await program.exited).toEqual({ code: 0, signal: null });
      expect(program.logTail()).toBe('beside it');
    });
  });
