/** Bit-for-bit comparison of a decoded frame with layers that a renderer made in one piece. */
import { expect } from 'vitest';
import { exrChannelName, LAYERS } from '#shared/domain/layers.js';
import type { decodeExr } from '#shared/image/exr-decode.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';

/** Interleaved samples of a layer against the file's planes, as bit patterns. */
export function expectSamePlanes(layer: LayerSamples, planes: ReturnType<typeof decodeExr>['planes']): void {
  const { channels } = LAYERS[layer.name];
  for (const [at, channel] of channels.entries()) {
    const name = exrChannelName(LAYERS[layer.name], channel);
    const plane = planes.find((candidate) => candidate.name === name);
    expect(plane, `channel ${name}`).toBeDefined();
    const wanted = layer.data.filter((_, index) => index % channels.length === at);
    expect(Buffer.compare(asBytes(plane!.data), asBytes(wanted)), `bits of channel ${name}`).toBe(0);
  }
}

function asBytes(data: Uint16Array | Float32Array | Uint32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
