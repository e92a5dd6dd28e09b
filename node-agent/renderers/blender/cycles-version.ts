/**
 * What of a Blender's version text decides how Cycles computes: a kernel of its CPU code, or a kind of GPU. Each is a
 * version of its own, since its pixels are its own; the text that a job is pinned to is all that is needed to start the
 * Blender that it asks for.
 */
import { threadId } from 'node:worker_threads';
import { gpuTypeOf } from '#shared/domain/render-device.js';

/** Newest first: levels of the x86-64 psABI. */
const KERNELS = ['x86-64-v3', 'x86-64-v2'] as const;
export type CyclesKernel = (typeof KERNELS)[number];

/** As /proc/cpuinfo names them: all that the level has and the one before has not. `abm` is LZCNT. */
const V3_FLAGS = ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe'];

/**
 * Cycles takes the best kernel that it has for the machine, unless variables forbid it. It has none beyond AVX2. Without
 * AVX the next is SSE4.1, or SSE4.2 since Blender 4.2.
 */
const SWITCHES: Readonly<Record<CyclesKernel, Readonly<Record<string, string>>>> = {
  'x86-64-v3': {},
  'x86-64-v2': { CYCLES_CPU_NO_AVX2: '1', CYCLES_CPU_NO_AVX: '1' },
};

/** @param flags  of the processor, as Linux names them. @returns kernels that Cycles may use on it, the newest first. */
export function kernelsFor(flags: ReadonlySet<string>): CyclesKernel[] {
  return V3_FLAGS.every((flag) => flags.has(flag)) ? [...KERNELS] : ['x86-64-v2'];
}

/** Undefined for a GPU, and for processors that have one kernel only. */
export function kernelOf(version: string): CyclesKernel | undefined {
  return KERNELS.find((kernel) => version.includes(`.${kernel}.`));
}

/** What holds Cycles, and what tells worker.py, to the version's way of computing. */
export function cyclesEnvironment(version: string): Record<string, string> {
  const gpu = gpuTypeOf(version);
  // Threads of slots are numbered one after the other: as many slots as devices have one each.
  if (gpu !== undefined) return { GUIAN_GPU: gpu.toUpperCase(), GUIAN_SLOT: String(threadId) };
  const kernel = kernelOf(version);
  return kernel === undefined ? {} : { ...SWITCHES[kernel], GUIAN_KERNEL: kernel };
}
