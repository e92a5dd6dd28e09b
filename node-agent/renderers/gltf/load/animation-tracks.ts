/** One animation as tracks over the scene's nodes, sampled at a time. */
import type { Document } from '@gltf-transform/core';
import { FarmError } from '#shared/errors.js';
import { readFloats } from './read-accessor.js';

export interface Track {
  /** place in the tree */
  readonly node: number;
  readonly path: 'translation' | 'rotation' | 'scale' | 'weights';
  /** s, ascending */
  readonly times: Float32Array;
  /** times × width; CUBICSPLINE: times × (in-tangent, value, out-tangent) × width */
  readonly values: Float32Array;
  readonly width: number;
  readonly interpolation: 'STEP' | 'LINEAR' | 'CUBICSPLINE';
}

/** @throws SCENE_INVALID when a sampler's output does not fit its input. */
export function readTracks(
  document: Document,
  tree: { readonly placeOf: Int32Array },
  animationIndex: number,
): readonly Track[] {
  const root = document.getRoot();
  const indexOf = new Map(root.listNodes().map((node, i) => [node, i]));
  const tracks: Track[] = [];
  for (const [index, channel] of root.listAnimations()[animationIndex]!.listChannels().entries()) {
    const node = channel.getTargetNode();
    const path = channel.getTargetPath();
    const sampler = channel.getSampler();
    const input = sampler?.getInput();
    const output = sampler?.getOutput();
    // A channel without a node is an extension's (KHR_animation_pointer); one outside the scene moves nothing seen.
    const place = node ? tree.placeOf[indexOf.get(node)!]! : -1;
    if (!path || !sampler || !input || !output || place < 0) continue;
    const times = readFloats(input, 1);
    const values = readFloats(output, output.getElementSize());
    const interpolation = sampler.getInterpolation();
    const perKey = values.length / times.length / (interpolation === 'CUBICSPLINE' ? 3 : 1);
    const width = path === 'rotation' ? 4 : path === 'weights' ? perKey : 3;
    if (times.length === 0 || perKey !== width || !Number.isInteger(width))
      throw new FarmError(
        'SCENE_INVALID',
        `animation ${animationIndex}, channel ${index}: ${values.length} output values do not fit ${times.length} key times; export it again`,
      );
    tracks.push({ node: place, path, times, values, width, interpolation });
  }
  return tracks;
}

/**
 * Writes the track's value at a time; before its first and after its last key it holds that key's value.
 * Source: glTF 2.0, appendix C "Animation Sampler Interpolation Modes".
 */
export function sampleTrack(track: Track, timeSeconds: number, out: Float64Array, offset: number): void {
  const { times, values, width } = track;
  const last = times.length - 1;
  const isCubic = track.interpolation === 'CUBICSPLINE';
  const key = keyBefore(times, timeSeconds);
  const start = valueIndex(track, Math.max(key, 0));
  if (key < 0 || key >= last || track.interpolation === 'STEP') {
    for (let c = 0; c < width; c++) out[offset + c] = values[start + c]!;
    return;
  }
  const span = times[key + 1]! - times[key]!;
  const t = span > 0 ? (timeSeconds - times[key]!) / span : 0;
  const end = valueIndex(track, key + 1);
  if (isCubic) hermite(track, start, end, span, t, out, offset);
  else if (track.path === 'rotation') slerp(values, start, end, t, out, offset);
  else for (let c = 0; c < width; c++) out[offset + c] = values[start + c]! * (1 - t) + values[end + c]! * t;
}

/** Where key `i`'s value stands, behind its in-tangent if it is a spline's. */
function valueIndex({ interpolation, width }: Track, i: number): number {
  return interpolation === 'CUBICSPLINE' ? (i * 3 + 1) * width : i * width;
}

/** @returns index of the last key at or before the time; −1 when there is none. */
function keyBefore(times: Float32Array, timeSeconds: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= timeSeconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function hermite(
  track: Track,
  start: number,
  end: number,
  span: number,
  t: number,
  out: Float64Array,
  offset: number,
) {
  const { values, width, path } = track;
  const t2 = t * t;
  const t3 = t2 * t;
  let squares = 0;
  for (let c = 0; c < width; c++) {
    const value =
      (2 * t3 - 3 * t2 + 1) * values[start + c]! +
      (t3 - 2 * t2 + t) * span * values[start + width + c]! +
      (3 * t2 - 2 * t3) * values[end + c]! +
      (t3 - t2) * span * values[end - width + c]!;
    out[offset + c] = value;
    squares += value * value;
  }
  if (path === 'rotation' && squares > 0) for (let c = 0; c < 4; c++) out[offset + c] /= Math.sqrt(squares);
}

/** Spherical interpolation along the shorter arc. */
function slerp(
  values: Float32Array,
  start: number,
  end: number,
  t: number,
  out: Float64Array,
  offset: number,
) {
  let dot = 0;
  for (let c = 0; c < 4; c++) dot += values[start + c]! * values[end + c]!;
  const sign = dot < 0 ? -1 : 1;
  const angle = Math.acos(Math.min(1, Math.abs(dot)));
  const sine = Math.sin(angle);
  // For tiny angles sin(x) ÷ sin(y) is x ÷ y, and this form does not divide by zero.
  const a = sine > 1e-6 ? Math.sin((1 - t) * angle) / sine : 1 - t;
  const b = sign * (sine > 1e-6 ? Math.sin(t * angle) / sine : t);
  for (let c = 0; c < 4; c++) out[offset + c] = a * values[start + c]! + b * values[end + c]!;
}
