/** 4×4 column-major matrices in double precision, as plain functions over Float64Array slices. */

export const IDENTITY: readonly number[] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** out[o…] = a[p…] × b[q…]; `out` may not overlap its factors. */
export function multiply(
  out: Float64Array,
  o: number,
  a: ArrayLike<number>,
  p: number,
  b: ArrayLike<number>,
  q: number,
): void {
  for (let column = 0; column < 16; column += 4) {
    const x = b[q + column]!;
    const y = b[q + column + 1]!;
    const z = b[q + column + 2]!;
    const w = b[q + column + 3]!;
    for (let row = 0; row < 4; row++) {
      out[o + column + row] =
        a[p + row]! * x + a[p + 4 + row]! * y + a[p + 8 + row]! * z + a[p + 12 + row]! * w;
    }
  }
}

/** out[o…] = translation × rotation × scale. `trs` holds t(3) r(4, xyzw) s(3) from index `i`; r need not be of unit length. */
export function compose(out: Float64Array, o: number, trs: ArrayLike<number>, i: number): void {
  let x = trs[i + 3]!;
  let y = trs[i + 4]!;
  let z = trs[i + 5]!;
  let w = trs[i + 6]!;
  const length = Math.sqrt(x * x + y * y + z * z + w * w);
  if (length > 0) {
    x /= length;
    y /= length;
    z /= length;
    w /= length;
  } else w = 1;
  const sx = trs[i + 7]!;
  const sy = trs[i + 8]!;
  const sz = trs[i + 9]!;
  out[o] = (1 - 2 * (y * y + z * z)) * sx;
  out[o + 1] = 2 * (x * y + z * w) * sx;
  out[o + 2] = 2 * (x * z - y * w) * sx;
  out[o + 3] = 0;
  out[o + 4] = 2 * (x * y - z * w) * sy;
  out[o + 5] = (1 - 2 * (x * x + z * z)) * sy;
  out[o + 6] = 2 * (y * z + x * w) * sy;
  out[o + 7] = 0;
  out[o + 8] = 2 * (x * z + y * w) * sz;
  out[o + 9] = 2 * (y * z - x * w) * sz;
  out[o + 10] = (1 - 2 * (x * x + y * y)) * sz;
  out[o + 11] = 0;
  out[o + 12] = trs[i]!;
  out[o + 13] = trs[i + 1]!;
  out[o + 14] = trs[i + 2]!;
  out[o + 15] = 1;
}

/** Determinant of the upper left 3×3. */
export function determinant3(m: ArrayLike<number>, o: number): number {
  return (
    m[o]! * (m[o + 5]! * m[o + 10]! - m[o + 6]! * m[o + 9]!) -
    m[o + 4]! * (m[o + 1]! * m[o + 10]! - m[o + 2]! * m[o + 9]!) +
    m[o + 8]! * (m[o + 1]! * m[o + 6]! - m[o + 2]! * m[o + 5]!)
  );
}

/**
 * out = the matrix that carries normals, up to length: the cofactors of the upper left 3×3, with the sign of its
 * determinant. It equals inverse transpose × |determinant|, and exists for flattening scales too, where no inverse does.
 */
export function normalMatrix(out: Float64Array, m: ArrayLike<number>, o: number): void {
  const sign = determinant3(m, o) < 0 ? -1 : 1;
  const [a, b, c] = [m[o]!, m[o + 1]!, m[o + 2]!];
  const [d, e, f] = [m[o + 4]!, m[o + 5]!, m[o + 6]!];
  const [g, h, i] = [m[o + 8]!, m[o + 9]!, m[o + 10]!];
  out[0] = sign * (e * i - f * h);
  out[1] = sign * (f * g - d * i);
  out[2] = sign * (d * h - e * g);
  out[3] = sign * (h * c - i * b);
  out[4] = sign * (i * a - g * c);
  out[5] = sign * (g * b - h * a);
  out[6] = sign * (b * f - c * e);
  out[7] = sign * (c * d - a * f);
  out[8] = sign * (a * e - b * d);
}
