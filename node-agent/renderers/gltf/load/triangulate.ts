/** Triangle lists from lists, strips and fans, indexed or not. Source: glTF 2.0, 3.7.2.1 "Topology types". */

/** Primitive modes of glTF (and WebGL). */
const TRIANGLES = 4;
const TRIANGLE_STRIP = 5;
const TRIANGLE_FAN = 6;

/**
 * @param source  indices, or null for 0, 1, 2, …
 * @returns three indices per triangle, or null for points and lines. Triangles that use a vertex twice (the joints of
 *          stitched strips) are left out: they have no surface.
 */
export function triangulate(
  mode: number,
  source: ArrayLike<number> | null,
  vertexCount: number,
): Uint32Array | null {
  if (mode !== TRIANGLES && mode !== TRIANGLE_STRIP && mode !== TRIANGLE_FAN) return null;
  const count = source ? source.length : vertexCount;
  const triangleCount = mode === TRIANGLES ? Math.floor(count / 3) : Math.max(0, count - 2);
  const out = new Uint32Array(triangleCount * 3);
  let length = 0;
  for (let t = 0; t < triangleCount; t++) {
    let a = mode === TRIANGLES ? t * 3 : t;
    let b = a + 1;
    let c = a + 2;
    if (mode === TRIANGLE_STRIP && t % 2 === 1) {
      b = t + 2;
      c = t + 1;
    } else if (mode === TRIANGLE_FAN) {
      a = t + 1;
      b = t + 2;
      c = 0;
    }
    if (source) {
      a = source[a]!;
      b = source[b]!;
      c = source[c]!;
    }
    if (a === b || b === c || c === a) continue;
    out[length++] = a;
    out[length++] = b;
    out[length++] = c;
  }
  return length === out.length ? out : out.slice(0, length);
}
