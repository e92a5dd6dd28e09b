import { expect, test } from 'vitest';
import { cyclesEnvironment, kernelOf, kernelsFor } from './cycles-version.js';

const HASWELL = 'fpu sse4_1 sse4_2 avx f16c fma movbe abm bmi1 avx2 bmi2';
const flags = (text: string) => new Set(text.split(' '));

test('a processor has the kernel of its level and the ones below; every part of the level is needed', () => {
  expect(kernelsFor(flags(HASWELL))).toEqual(['x86-64-v3', 'x86-64-v2']);
  expect(kernelsFor(flags(`${HASWELL} avx512f`))).toEqual(['x86-64-v3', 'x86-64-v2']);
  expect(kernelsFor(flags('fpu sse4_1 sse4_2 avx'))).toEqual(['x86-64-v2']);
  for (const one of ['f16c', 'bmi2', 'fma'])
    expect(kernelsFor(flags(HASWELL.replace(one, '')))).toEqual(['x86-64-v2']);
  expect(kernelsFor(new Set())).toEqual(['x86-64-v2']);
});

test('the version alone says how Cycles is started', () => {
  expect(kernelOf('3.4.1+4f4a7cd28cfd.x86-64-v3.glibc2.36.px0134b964ca')).toBe('x86-64-v3');
  expect(cyclesEnvironment('3.4.1+4f4a7cd28cfd.x86-64-v3.glibc2.36')).toEqual({ GUIAN_KERNEL: 'x86-64-v3' });
  expect(cyclesEnvironment('3.4.1+4f4a7cd28cfd.x86-64-v2.glibc2.36')).toEqual({
    ...{ CYCLES_CPU_NO_AVX: '1', CYCLES_CPU_NO_AVX2: '1' },
    GUIAN_KERNEL: 'x86-64-v2',
  });
  expect(cyclesEnvironment('4.2.0+4f4a7cd28cfd.arm64.glibc2.36')).toEqual({});
  expect(cyclesEnvironment('4.2.0+4f4a7cd28cfd.optix.glibc2.36')).toMatchObject({ GUIAN_GPU: 'OPTIX' });
});
