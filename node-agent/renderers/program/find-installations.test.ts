import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rendererVersionSchema } from '#shared/domain/renderers.js';
import { kernelsFor } from '../blender/cycles-version.js';
import { findInstallations } from './find-installations.js';
import { findOnPath } from './find-on-path.js';

const GLIBC = `glibc${execFileSync('getconf', ['GNU_LIBC_VERSION'], { encoding: 'utf8' }).trim().split(' ')[1]}`;

/** Of this processor, the newest first. */
const KERNELS =
  process.arch !== 'x64'
    ? [process.arch]
    : kernelsFor(
        new Set(
          readFileSync('/proc/cpuinfo', 'utf8')
            .match(/^flags.*$/m)?.[0]
            .split(' '),
        ),
      );

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guian-installations-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);

test('versions side by side are told apart by version and build, the same build counts once', async () => {
  const official = program(
    'blender-3.6',
    'printf "Blender 3.6.23\\n\\tbuild date: 2025-06-17\\n\\tbuild hash: e467db79c7d2a0\\n"',
  );
  const distribution = program('blender-3.4', 'echo Blender 3.4.1');
  const link = join(folder, 'blender');
  symlinkSync(distribution, link);
  const povray = program('povray', 'echo POV-Ray 3.7.0.10.unofficial >&2');
  const { installations, broken } = await findInstallations({
    blender: [official, distribution, link],
    povray: [povray],
  });
  expect(broken).toEqual([]);
  const blender = (executable: string, build: string) =>
    KERNELS.map((kernel) => ({ name: 'blender', version: `${build}.${kernel}.${GLIBC}`, executable }));
  expect(installations).toEqual([
    ...blender(official, '3.6.23+e467db79c7d2'),
    ...blender(distribution, `3.4.1+${digest(distribution)}`),
    { name: 'povray', version: `3.7.0.10+${digest(povray)}.${GLIBC}`, executable: povray },
  ]);
  for (const { version } of installations) rendererVersionSchema.parse(version);
});

test('a program that does not work is told with its reason, and the others are found', async () => {
  const fine = program('fine', 'echo Blender 4.0.0');
  const fails = program('fails', 'echo "error while loading shared libraries: libX.so" >&2; exit 127');
  const other = program('other', 'echo Gimp 3.0');
  const hangs = program('hangs', 'exec sleep 1000');
  const { installations, broken } = await findInstallations(
    { blender: [fails, '/nowhere/blender', 'blender', fine], povray: [other, hangs] },
    { timeLimitMs: 1_000 },
  );
  expect(new Set(installations.map(({ executable }) => executable))).toEqual(new Set([fine]));
  expect(broken.map(({ reason }) => reason)).toEqual([
    '--version ended with 127: error while loading shared libraries: libX.so',
    '/nowhere/blender is not there',
    'blender is not an absolute path',
    '--version tells no povray version: Gimp 3.0',
    '--version did not end within 1 s',
  ]);
});

test('without configuration the search path is asked, and what is left out is not', async () => {
  expect(await findInstallations({})).toEqual({ installations: [], broken: [] });
  const { installations, broken } = await findInstallations({ povray: [] });
  expect([...installations, ...broken].map(({ executable }) => executable)).toEqual(
    [findOnPath('povray')].filter((path) => path !== undefined),
  );
});
