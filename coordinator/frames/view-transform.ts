/**
 * The view transforms: scene-linear Rec. 709 → display-encoded values for an sRGB monitor, row by row. Each is one or
 * two 3×3 matrices and one or two curves; the curves are tables, so a pixel costs a few multiplications.
 */
import type { View } from '#shared/domain/job.js';
import { type CurveTable, curveTable } from './curve-table.js';

export interface ViewTransform {
  /** `rgb`: `pixels × 3` scene-linear values, exposure applied; replaced by display-encoded values, 0 to 1. */
  apply(rgb: Float32Array, pixels: number): void;
}

/** Row-major. */
type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/**
 * - `agx`: AgX by Troy Sobotka, base look. The result is what an sRGB monitor is sent (its 2.2 power is part of the
 *   curve), as in Blender.
 * - `aces`: ACES RRT + sRGB ODT as fitted by Stephen Hill, then the sRGB curve.
 * - `srgb`: the sRGB curve alone; values above 1 are cut.
 */
export function viewTransform(view: View): ViewTransform {
  switch (view) {
    case 'agx':
      agxCurve ??= curveTable(agxContrast, -13, 5);
      return {
        apply(rgb, pixels) {
          multiply(rgb, pixels, AGX_INSET);
          agxCurve!.apply(rgb, 3 * pixels);
          multiply(rgb, pixels, AGX_OUTSET);
          clamp(rgb, 3 * pixels);
        },
      };
    case 'aces':
      srgbCurve ??= newSrgbCurve();
      return {
        apply(rgb, pixels) {
          multiply(rgb, pixels, ACES_INPUT);
          acesFit(rgb, 3 * pixels);
          multiply(rgb, pixels, ACES_OUTPUT);
          srgbCurve!.apply(rgb, 3 * pixels);
        },
      };
    case 'srgb':
      srgbCurve ??= newSrgbCurve();
      return srgbCurveAlone(srgbCurve);
    default: {
      const never: never = view;
      return never;
    }
  }
}

let agxCurve: CurveTable | undefined;
let srgbCurve: CurveTable | undefined;

function srgbCurveAlone(curve: CurveTable): ViewTransform {
  return { apply: (rgb, pixels) => curve.apply(rgb, 3 * pixels) };
}

/** IEC 61966-2-1. Below 2^-9 it is a straight line, and so is the table's foot. */
function newSrgbCurve(): CurveTable {
  return curveTable((x) => (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055), -9, 0);
}

/** Source: github.com/sobotka/AgX, in the form for Rec. 709 of iolite-engine.com/blog_posts/minimal_agx_implementation. */
const AGX_INSET: Matrix = [
  0.842479062253094, 0.0784335999999992, 0.0792237451477643, 0.0423282422610123, 0.878468636469772,
  0.0791661274605434, 0.0423756549057051, 0.0784336, 0.879142973793104,
];
const AGX_OUTSET: Matrix = [
  1.19687900512017, -0.0980208811401368, -0.0990297440797205, -0.0528968517574562, 1.15190312990417,
  -0.0989611768448433, -0.0529716355144438, -0.0980434501171241, 1.15107367264116,
];
/** Stops below and above middle grey that the log encoding spans. */
const AGX_STOPS_BELOW = 10;
const AGX_STOPS_ABOVE = 6.5;
const MIDDLE_GREY = 0.18;
/** The sigmoid passes through (pivot, 0.5) with this slope; toe and shoulder have their own powers. Source as above. */
const AGX_SLOPE = 2.0;
const AGX_TOE_POWER = 3.0;
const AGX_SHOULDER_POWER = 3.25;

/**
 * AgX's log encoding and default contrast: two hyperbolic arcs that meet at middle grey and end at exactly 0 and 1
 * (the polynomials in circulation are fits of this curve that miss black or white by 0.2 to 2 %).
 */
function agxContrast(x: number): number {
  const pivotX = AGX_STOPS_BELOW / (AGX_STOPS_BELOW + AGX_STOPS_ABOVE);
  const stops = x > 0 ? Math.log2(x / MIDDLE_GREY) : -AGX_STOPS_BELOW;
  const position = Math.min(1, Math.max(0, (stops + AGX_STOPS_BELOW) / (AGX_STOPS_BELOW + AGX_STOPS_ABOVE)));
  const isShoulder = position >= pivotX;
  const power = isShoulder ? AGX_SHOULDER_POWER : AGX_TOE_POWER;
  const span = isShoulder ? 1 - pivotX : pivotX;
  const rise = AGX_SLOPE * span;
  // How far the arc may go so that it ends at 0 or 1 exactly, 0.5 away from the pivot.
  const reach = (rise ** -power * ((rise / 0.5) ** power - 1)) ** (-1 / power);
  const term = (AGX_SLOPE * Math.abs(position - pivotX)) / reach;
  const arc = reach * (term / (1 + term ** power) ** (1 / power));
  return 0.5 + (isShoulder ? arc : -arc);
}

/** Source: Stephen Hill's fit, as in github.com/TheRealMJP/BakingLab, ACES.hlsl (sRGB → RRT space, curve, ODT → sRGB). */
const ACES_INPUT: Matrix = [0.59719, 0.35458, 0.04823, 0.076, 0.90834, 0.01566, 0.0284, 0.13383, 0.83777];
const ACES_OUTPUT: Matrix = [
  1.60475, -0.53108, -0.07367, -0.10208, 1.10813, -0.00605, -0.00327, -0.07276, 1.07602,
];

function acesFit(values: Float32Array, count: number): void {
  for (let index = 0; index < count; index++) {
    const x = values[index]!;
    values[index] = (x * (x + 0.0245786) - 0.000090537) / (x * (0.983729 * x + 0.432951) + 0.238081);
  }
}

/** In place; values below 0 (out of gamut) come in as 0, since no display can show them and the curves need x ≥ 0. */
function multiply(rgb: Float32Array, pixels: number, m: Matrix): void {
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = m;
  for (let at = 0; at < 3 * pixels; at += 3) {
    const r = Math.max(0, rgb[at]!);
    const g = Math.max(0, rgb[at + 1]!);
    const b = Math.max(0, rgb[at + 2]!);
    rgb[at] = m0 * r + m1 * g + m2 * b;
    rgb[at + 1] = m3 * r + m4 * g + m5 * b;
    rgb[at + 2] = m6 * r + m7 * g + m8 * b;
  }
}

function clamp(values: Float32Array, count: number): void {
  for (let index = 0; index < count; index++) values[index] = Math.min(1, Math.max(0, values[index]!));
}
