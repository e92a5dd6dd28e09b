/**
 * Layers (AOVs) of a frame and their channels. In memory a layer is scene-linear Rec. 709 float32 with premultiplied
 * alpha, `height × width × channels`, row-major, top row first.
 */
import { z } from 'zod';

export const LAYER_NAMES = [
  'beauty',
  'albedo',
  'normal',
  'depth',
  'position',
  'emission',
  'ao',
  'mist',
] as const;
export type LayerName = (typeof LAYER_NAMES)[number];
export const layerNameSchema = z.enum(LAYER_NAMES);

/** `half`: 16-bit float on the wire and in the EXR; `float`: 32-bit. */
export type SampleType = 'half' | 'float';

export interface LayerSpec {
  readonly name: LayerName;
  /** EXR channel suffixes in memory order. */
  readonly channels: readonly string[];
  readonly sampleType: SampleType;
}

export const LAYERS: Readonly<Record<LayerName, LayerSpec>> = {
  beauty: { name: 'beauty', channels: ['R', 'G', 'B', 'A'], sampleType: 'half' },
  albedo: { name: 'albedo', channels: ['R', 'G', 'B'], sampleType: 'half' },
  normal: { name: 'normal', channels: ['X', 'Y', 'Z'], sampleType: 'half' },
  depth: { name: 'depth', channels: ['Z'], sampleType: 'float' },
  position: { name: 'position', channels: ['X', 'Y', 'Z'], sampleType: 'float' },
  emission: { name: 'emission', channels: ['R', 'G', 'B'], sampleType: 'half' },
  ao: { name: 'ao', channels: ['R', 'G', 'B'], sampleType: 'half' },
  mist: { name: 'mist', channels: ['Z'], sampleType: 'float' },
};

/**
 * Channel name in an EXR: the beauty layer has the bare names that every viewer shows first (`R`), others are
 * prefixed (`albedo.R`), and depth is `Z`, as OpenEXR's conventions have it.
 */
export function exrChannelName(layer: LayerSpec, channel: string): string {
  if (layer.name === 'beauty' || layer.name === 'depth') return channel;
  return `${layer.name}.${channel}`;
}

/** One layer's pixels: `height × width × channels.length`, row-major. */
export interface LayerPixels {
  readonly name: LayerName;
  readonly data: Float32Array;
}
