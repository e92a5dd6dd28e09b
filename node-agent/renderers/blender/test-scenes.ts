/** Scenes for the tests of this folder, made by the Blender that is installed here. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMITS } from '#shared/limits.js';
import { findInstallations } from '../program/find-installations.js';
import { findOnPath } from '../program/find-on-path.js';
import type { Installation, Sandbox } from '../program/program.js';
import { makeScratchFolder } from '../program/scratch.js';
import { startProgram } from '../program/start-program.js';

export interface TestBlender {
  readonly installation: Installation;
  readonly sandbox: Sandbox;
}

/** The Blender of this machine; undefined, with the reason printed, where there is none. */
export async function testBlender(): Promise<TestBlender | undefined> {
  const { installations, broken } = await findInstallations({ blender: [] });
  const installation = installations[0];
  if (!installation) {
    const reason = broken[0]?.reason ?? 'it is not on PATH; apt-get install blender';
    console.warn(`tests of the Blender renderer do not run: ${reason}`);
    return undefined;
  }
  return { installation, sandbox: findOnPath('bwrap') === undefined ? 'none' : 'bubblewrap' };
}

export interface TestScenes extends AsyncDisposable {
  /** Holds `package`, and whatever a script of a scene managed to write beside it. */
  readonly folder: string;
}

/** @param group of test_scenes.py. @throws Error with Blender's log. */
export async function makeTestScenes(
  { installation }: TestBlender,
  group: 'shot' | 'bad',
): Promise<TestScenes> {
  const folder = await makeScratchFolder(tmpdir(), 'guian-blender-scenes');
  const script = fileURLToPath(new URL('./test_scenes.py', import.meta.url));
  const program = startProgram({
    executable: installation.executable,
    args: [
      ...['-b', '--factory-startup', '-noaudio', '-t', '1', '--python-exit-code', '3'],
      ...['-P', script, '--', folder, group],
    ],
    sandbox: 'none',
    readableFolders: [dirname(script)],
    scratchFolder: join(folder, 'scratch'),
    memoryBytesMax: 2 ** 31,
    fileBytesMax: LIMITS.sceneBytesMax,
  });
  program.end();
  const { code } = await program.exited;
  if (code !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`no test scenes:\n${program.logTail()}`);
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
