/** The coordinator's frame threads: stitching and encoding, off the event loop that serves clients and the bus. */
import { Piscina } from 'piscina';
import { FarmError } from '#shared/errors.js';
import { THREAD_OPTIONS } from '#shared/thread-options.js';
import type { StitchFailure } from './frame-worker.js';
import type { StitchRequest, StitchResult } from './stitch-request.js';

/** Two: one frame's pixel work beside another's compression, which runs in the libuv pool anyway. */
const THREADS_MAX = 2;
/** A thread keeps its compiled code and curve tables while frames keep coming. */
const IDLE_MS = 30_000;

export class FramePool implements AsyncDisposable {
  readonly #piscina: Piscina;

  constructor(threadsMax: number = THREADS_MAX) {
    this.#piscina = new Piscina({
      ...THREAD_OPTIONS,
      filename: new URL('./frame-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: Math.max(1, threadsMax),
      idleTimeout: IDLE_MS,
    });
  }

  /**
   * Tile bytes that own their whole buffer are handed over, not copied: they are gone for the caller after this call,
   * whatever comes of it. Others (views, shared memory) are copied and stay.
   * @throws DISK_FULL, FILE_UNWRITABLE, TILE_MISSING, TILE_OVERLAP; no temporary file is left behind, but formats of
   *         the frame that were finished before stay.
   */
  async stitch(request: StitchRequest): Promise<StitchResult> {
    const transferList = [...ownedBuffers(request)];
    const answer: StitchResult | StitchFailure = await this.#piscina.run(request, { transferList });
    if (answer.kind === 'failed') throw new FarmError(answer.code, answer.message, answer.details);
    return answer;
  }

  /** Waits for frames in work. */
  async close(): Promise<void> {
    await this.#piscina.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function ownedBuffers(request: StitchRequest): Set<ArrayBuffer> {
  const buffers = new Set<ArrayBuffer>();
  for (const { bytes } of request.tiles) {
    const { buffer } = bytes;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffers.add(buffer);
  }
  return buffers;
}
