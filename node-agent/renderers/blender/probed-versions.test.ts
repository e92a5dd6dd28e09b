import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Installation } from '../program/program.js';
import { kernelOf } from './cycles-version.js';
import { type BlenderProbe, probeBlender } from './probe.js';
import { probedVersions } from './probed-versions.js';
import { testBlender } from './test-scenes.js';

const at = (version: string, name = 'blender'): Installation => ({ name, version, executable: '/opt/b' });
const V3 = at('4.2.0+4f.x86-64-v3.glibc2.36');
const V2 = at('4.2.0+4f.x86-64-v2.glibc2.36');

describe('what a node announces of its Blenders', () => {
  test('each kernel with the digest of what it computes here, each kind of GPU once', async () => {
    const gpus: BlenderProbe['gpus'] = [
      { type: 'optix', name: 'NVIDIA A' },
      { type: 'optix', name: 'NVIDIA B' },
      { type: 'cuda', name: 'NVIDIA A' },
    ];
    const probe = async ({ version }: Installation) => ({
      ...{ digest: version.includes('v3') ? 'aa' : 'bb', isEmbreeHeld: true },
      gpus,
    });
    const povray = at('3.7+a', 'povray');
    const { installations, broken } = await probedVersions([V3, V2, povray], 'none', '', probe);
    expect(broken).toEqual([]);
    expect(installations).toEqual([
      { ...V3, version: `${V3.version}.pxaa` },
      { ...V2, version: `${V2.version}.pxbb` },
      povray,
      { ...V3, version: '4.2.0+4f.optix.glibc2.36' },
      { ...V3, version: '4.2.0+4f.cuda.glibc2.36' },
    ]);
  });

  test('none that does not render, with the reason', async () => {
    const probe = async ({ version }: Installation) => {
      if (version === V3.version) throw new Error('it does not render: it ended with SIGILL');
      return { digest: 'bb', gpus: [], isEmbreeHeld: false };
    };
    const { installations, broken } = await probedVersions([V3, V2], 'none', '', probe);
    expect(installations).toEqual([{ ...V2, version: `${V2.version}.pxbb` }]);
    expect(broken.map(({ reason }) => reason)).toEqual([
      `${V3.version}: it does not render: it ended with SIGILL`,
    ]);
  });
});

const blender = await testBlender();

describe.skipIf(!blender)('a small picture of the Blender that is here', () => {
  const { installation, sandbox } = blender ?? {};
  const digests = async (...versions: string[]) =>
    await Promise.all(
      versions.map((version) => probeBlender({ ...installation!, version }, sandbox!, tmpdir())),
    );

  test('has the same digest each time, and another one for another kernel', async () => {
    const { version } = installation!;
    const kernel = kernelOf(version);
    const [one, same, older] = await digests(version, version, version.replace(`.${kernel}.`, '.x86-64-v2.'));
    expect(one).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{10}$/), gpus: [] });
    expect(same).toEqual(one);
    if (kernel === 'x86-64-v3') expect(older!.digest).not.toBe(one!.digest);
  });

  test('is none for a GPU that is not there: the processor does not stand in for it', async () => {
    const version = installation!.version.replace(/\.(x86-64-v\d|\w+)(?=\.glibc)/, '.cuda');
    await expect(digests(version)).rejects.toThrow(/this node has no CUDA device any more/);
  });

  test('is not that of AVX-512, which the library of Cycles takes by itself', async () => {
    const { version } = installation!;
    if (kernelOf(version) !== 'x86-64-v3') return;
    const [held, free] = await digests(version, version.replace('.x86-64-v3.', '.'));
    expect(free!.isEmbreeHeld).toBe(false);
    const hasAvx512 = /^flags.*\bavx512vl\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
    if (held!.isEmbreeHeld) expect(free!.digest === held!.digest).toBe(!hasAvx512);
  });
});
