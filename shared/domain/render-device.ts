/**
 * Processor or GPU. A renderer that computes on a GPU is a version of its own with the kind in its text, e.g.
 * `3.4.1+4f4a7cd28cfd.optix.glibc2.36`: pixels are the same on every node of one version, and never promised between two.
 */
import { z } from 'zod';

export const renderDeviceSchema = z.enum(['cpu', 'gpu']);
export type RenderDevice = z.infer<typeof renderDeviceSchema>;

/** As Cycles has them, the faster of a device's first. */
export const GPU_TYPES = ['optix', 'cuda', 'hip', 'oneapi', 'metal'] as const;
export type GpuType = (typeof GPU_TYPES)[number];

const GPU_PART = new RegExp(`\\.(${GPU_TYPES.join('|')})(?:\\.|$)`);

/** @returns undefined for a version that computes on the processor. */
export function gpuTypeOf(version: string): GpuType | undefined {
  return GPU_PART.exec(version)?.[1] as GpuType | undefined;
}

export const deviceOf = (version: string): RenderDevice => (gpuTypeOf(version) === undefined ? 'cpu' : 'gpu');
