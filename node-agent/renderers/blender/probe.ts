/**
 * What a Blender computes on this machine: the digest of one small picture, by which nodes that would give a job other
 * pixels have another version, and the GPUs that it can use. Kernels and libraries that are the same still take
 * approximations from the processor (RCPPS and the like), which makers fill in differently. It is a trial too: a Blender
 * that cannot render is found before a job meets it.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GPU_TYPES } from '#shared/domain/render-device.js';
import type { Installation, ProgramExit, Sandbox } from '../program/program.js';
import { makeScratchFolder, readScratchFile } from '../program/scratch.js';
import { startProgram } from '../program/start-program.js';
import { blenderRequest, readableLog } from './blender-command.js';
import { readTileExr } from './read-exr.js';

/** Of probe.py. */
const PICTURE = { widthPx: 64, heightPx: 48, layers: ['beauty', 'normal', 'depth'] } as const;
const FILE = 'probe.exr';
const FILE_BYTES_MAX = 4 * 2 ** 20;
const MEMORY_BYTES_MAX = 2 ** 32;
/** 1.5 s on a quiet machine; a GPU's code may be compiled at its first use. */
const TIME_LIMIT_MS = 120_000;
const DIGEST_DIGITS = 10;

export const probeSchema = z.object({
  /** Of its pixels, hexadecimal. */
  digest: z.string(),
  /** Whether the library that finds what rays meet could be kept from using more than the version's kernel does. */
  isEmbreeHeld: z.boolean(),
  gpus: z.array(z.object({ type: z.enum(GPU_TYPES), name: z.string().max(256) })).max(64),
});
export type BlenderProbe = z.infer<typeof probeSchema>;

const messageSchema = probeSchema.omit({ digest: true });

/** @throws Error with one line when it cannot start, does not end in time, or renders no picture. */
export async function probeBlender(
  installation: Installation,
  sandbox: Sandbox,
  scratchParent: string,
  timeLimitMs = TIME_LIMIT_MS,
): Promise<BlenderProbe> {
  const scratchFolder = await makeScratchFolder(scratchParent, 'guian-blender-probe');
  let timer: NodeJS.Timeout | undefined;
  try {
    let answer: z.infer<typeof messageSchema> | undefined;
    let isLate = false;
    const program = startProgram({
      ...blenderRequest({
        ...{ installation, sandbox, script: 'probe.py', allowScripts: false, threads: 1 },
        ...{ scratchFolder, memoryBytesMax: MEMORY_BYTES_MAX },
      }),
      fileBytesMax: FILE_BYTES_MAX,
      onMessage: (message) => {
        answer = messageSchema.parse(message);
      },
    });
    timer = setTimeout(() => {
      isLate = true;
      program.kill();
    }, timeLimitMs);
    program.send({ out: join(scratchFolder, FILE) });
    const exit = await program.exited;
    if (!answer) throw new Error(whyNot(exit, isLate, timeLimitMs, readableLog(program.logTail())));
    const file = await readScratchFile(scratchFolder, FILE, FILE_BYTES_MAX);
    return { ...answer, digest: pixelDigest(file) };
  } finally {
    clearTimeout(timer);
    await rm(scratchFolder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Of the pixels alone: the file says when it was made. */
function pixelDigest(file: Buffer): string {
  const hash = createHash('sha256');
  for (const { data } of readTileExr(file, PICTURE.widthPx, PICTURE.heightPx, PICTURE.layers))
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex').slice(0, DIGEST_DIGITS);
}

function whyNot(
  { code, signal, reason }: ProgramExit,
  isLate: boolean,
  timeLimitMs: number,
  log: string,
): string {
  if (isLate) return `it did not render a picture of 64x48 px within ${timeLimitMs / 1000} s`;
  // Blender says behind an exception's own line that the script failed.
  const lines = log
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('Error: script failed'));
  const last = lines.at(-1)?.trim().slice(0, 200);
  return `it does not render: ${reason ?? `it ended with ${code ?? signal}`}${last ? `; it said last: ${last}` : ''}`;
}
