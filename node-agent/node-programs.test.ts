import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '#shared/log.js';
import { findPrograms, type ProgramsConfig } from './node-programs.js';
import type { probedVersions } from './renderers/blender/probed-versions.js';

const logger = createLogger('test', 'silent');
const nothing: ProgramsConfig = { blender: [], povray: [], rendererModules: [], sandbox: 'off' };
const without = async () => ({ sandbox: 'none' as const, description: 'none: bubblewrap is not installed' });
/** What they compute is told elsewhere: these programs compute nothing. */
const asTheyAre: typeof probedVersions = async (installations) => ({
  installations: installations.filter(
    ({ executable }, index) => installations.findIndex((other) => other.executable === executable) === index,
  ),
  broken: [],
});
const within = async () => ({ sandbox: 'bubblewrap' as const, description: 'bubblewrap 0.8.0' });

let folder = '';
let blender = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-programs-'));
  blender = await programOf('blender', "echo 'Blender 9.8.7'; echo '\tbuild hash: 0123456789ab'");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function programOf(name: string, script: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

describe('what a node has beside its own code', () => {
  test('nothing, where nothing is wanted', async () => {
    const found = await findPrograms(nothing, logger);
    expect(found).toEqual({
      programs: { installations: [], sandbox: 'none', modules: [] },
      renderers: [],
      sandbox: 'off (--sandbox off)',
    });
  });

  test('programs that tell their version; one that does not is left out', async () => {
    const broken = await programOf('broken', 'exit 3');
    const config: ProgramsConfig = { ...nothing, blender: [broken, blender], sandbox: 'auto' };
    const found = await findPrograms(config, logger, within, asTheyAre);
    expect(found.renderers).toMatchObject([
      { name: 'blender', version: expect.stringMatching(/^9\.8\.7\+0123/) },
    ]);
    expect(found.programs.installations).toMatchObject([{ executable: blender }]);
    expect(found).toMatchObject({ programs: { sandbox: 'bubblewrap' }, sandbox: 'bubblewrap 0.8.0' });
  });

  test('a Blender that tells its version and renders nothing is left out', async () => {
    const found = await findPrograms({ ...nothing, blender: [blender], sandbox: 'off' }, logger);
    expect(found.programs.installations).toEqual([]);
    expect(found.renderers).toEqual([]);
  });

  test('programs without walls where that is allowed, none where it is not', async () => {
    const auto = await findPrograms(
      { ...nothing, blender: [blender], sandbox: 'auto' },
      logger,
      without,
      asTheyAre,
    );
    expect(auto.renderers).toHaveLength(1);
    expect(auto).toMatchObject({
      programs: { sandbox: 'none' },
      sandbox: 'none: bubblewrap is not installed',
    });
    const required = await findPrograms(
      { ...nothing, blender: [blender], sandbox: 'require' },
      logger,
      without,
    );
    expect(required).toMatchObject({
      programs: { installations: [] },
      renderers: [],
      sandbox: 'no program renders here (--sandbox require): none: bubblewrap is not installed',
    });
  });

  test('nothing, when looking goes wrong', async () => {
    const broken = async () => Promise.reject(new Error('ENOSPC: no space left on device'));
    const found = await findPrograms({ ...nothing, blender: [blender], sandbox: 'auto' }, logger, broken);
    expect(found.renderers).toEqual([]);
    expect(found.sandbox).toBe('unknown, and no program renders here: ENOSPC: no space left on device');
  });

  test('a module that ends its thread takes nothing but the modules', async () => {
    const file = join(folder, 'exits.mjs');
    await writeFile(file, 'process.exit(7);');
    const config: ProgramsConfig = { ...nothing, blender: [blender], rendererModules: [file] };
    const found = await findPrograms(config, logger, without, asTheyAre);
    expect(found.renderers.map(({ name }) => name)).toEqual(['blender']);
    expect(found.programs.modules).toEqual([]);
  });
});
