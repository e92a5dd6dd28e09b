/** GPUs of a node, as its admin writes them: `24G`, `2x24G`, `A100:80G` or `2xA100:80G` for each kind. */
import { z } from 'zod';
import type { Heartbeat } from '#shared/bus/messages.js';
import { parseBytes } from '#shared/config.js';
import { LIMITS } from '#shared/limits.js';

export type Gpu = NonNullable<Heartbeat['gpus']>[number];

const KIND = /^(?:([1-9]\d?)x)?(?:([A-Za-z0-9][A-Za-z0-9 ._-]{0,127}):)?(\d{1,9}(?:\.\d{1,3})?[KMGT])$/;

/** Each of a kind by itself. */
export const gpuKindSchema = z
  .string()
  .regex(KIND)
  .transform((text): readonly Gpu[] => {
    const [, count = '1', name = 'gpu', size = '0'] = KIND.exec(text)!;
    const length = Math.min(Number(count), LIMITS.gpusPerNodeMax);
    return Array.from({ length }, () => ({ name, memoryBytes: parseBytes(size) }));
  });

export const GPUS_ALLOWED =
  'kinds of GPU joined by commas, each as COUNTxNAME:MEMORY, of which MEMORY must be there: 24G, 2x24G, 2xA100:80G';
