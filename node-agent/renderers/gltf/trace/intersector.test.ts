import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildBvh } from './build-bvh.js';
import { TypeScriptIntersector } from './intersector.js';

/** Numbers in [-1, 1) from a seed. */
function numbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

function triangleSoup(count: number, size: number, next: () => number) {
  const positions = new Float32Array(count * 9);
  for (let triangle = 0; triangle < count; triangle++) {
    const center = [next(), next(), next()];
    for (let word = 0; word < 9; word++) positions[triangle * 9 + word] = center[word % 3]! + next() * size;
  }
  return { positions, indices: Uint32Array.from({ length: count * 3 }, (_, i) => i), triangleCount: count };
}

/** Closest hit by Cramer's rule over all triangles. */
function bruteForce(positions: Float32Array, count: number, o: number[], d: number[]): number {
  let closest = Number.POSITIVE_INFINITY;
  for (let triangle = 0; triangle < count; triangle++) {
    const p = (corner: number) => [0, 1, 2].map((axis) => positions[triangle * 9 + corner * 3 + axis]!);
    const minus = (a: number[], b: number[]) => a.map((x, axis) => x - b[axis]!);
    const det = (a: number[], b: number[], c: number[]) =>
      a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) -
      b[0]! * (a[1]! * c[2]! - a[2]! * c[1]!) +
      c[0]! * (a[1]! * b[2]! - a[2]! * b[1]!);
    const e1 = minus(p(1), p(0));
    const e2 = minus(p(2), p(0));
    const s = minus(o, p(0));
    const back = d.map((x) => -x);
    const whole = det(e1, e2, back);
    const u = det(s, e2, back) / whole;
    const v = det(e1, s, back) / whole;
    const t = det(e1, e2, s) / whole;
    if (u >= 0 && v >= 0 && u + v <= 1 && t > 0 && t < closest) closest = t;
  }
  return closest;
}

test('the closest hit is the one that trying every triangle finds', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(0.02, 0.3, 2),
      (seed, count, size) => {
        const next = numbers(seed);
        const soup = triangleSoup(count, size, next);
        const tracer = new TypeScriptIntersector(buildBvh(soup), new Uint8Array(count));
        for (let index = 0; index < 40; index++) {
          const o = [next() * 2, next() * 2, next() * 2];
          // Every fourth ray runs along an axis.
          const d =
            index % 4 === 0
              ? [0, 0, 0].map((_, axis) => (axis === (index >> 2) % 3 ? 1 : 0))
              : [next(), next(), next()];
          Object.assign(tracer.ray, {
            ox: o[0],
            oy: o[1],
            oz: o[2],
            dx: d[0],
            dy: d[1],
            dz: d[2],
            tMin: 0,
            tMax: Infinity,
          });
          const expected = bruteForce(soup.positions, count, o, d);
          expect(tracer.isOccluded()).toBe(expected < Number.POSITIVE_INFINITY);
          expect(tracer.closest()).toBe(expected < Number.POSITIVE_INFINITY);
          if (expected < Number.POSITIVE_INFINITY)
            expect(Math.abs(tracer.hit.t / expected - 1)).toBeLessThan(1e-8);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a thousand equal triangles make a tree of bounded depth', () => {
  const count = 1000;
  const positions = Float32Array.from({ length: count * 9 }, (_, i) => [0, 0, 0, 1, 0, 0, 0, 1, 0][i % 9]!);
  const soup = {
    positions,
    indices: Uint32Array.from({ length: count * 3 }, (_, i) => i),
    triangleCount: count,
  };
  const tracer = new TypeScriptIntersector(buildBvh(soup), new Uint8Array(count));
  Object.assign(tracer.ray, { ox: 0.2, oy: 0.2, oz: 1, dx: 0, dy: 0, dz: -1, tMin: 0, tMax: Infinity });
  expect(tracer.closest()).toBe(true);
  expect(tracer.hit.t).toBe(1);
});

test('rays at shared edges of a grid never slip through', () => {
  const side = 12;
  const positions = new Float32Array(side * side * 18);
  let at = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const corner = (dx: number, dy: number) => [(x + dx) / 7, (y + dy) / 7, Math.sin(x + dx) * 0.1];
      positions.set(
        [
          ...corner(0, 0),
          ...corner(1, 0),
          ...corner(1, 1),
          ...corner(0, 0),
          ...corner(1, 1),
          ...corner(0, 1),
        ].flat(),
        at,
      );
      at += 18;
    }
  }
  const count = side * side * 2;
  const soup = {
    positions,
    indices: Uint32Array.from({ length: count * 3 }, (_, i) => i),
    triangleCount: count,
  };
  const tracer = new TypeScriptIntersector(buildBvh(soup), new Uint8Array(count));
  for (let index = 1; index < 83; index++) {
    // Through grid points and edge middles.
    const target = [((index / 14) % 1.6) + 0.05, Math.round((index % 11) + 1) / 7, 0];
    Object.assign(tracer.ray, {
      ox: 0.8,
      oy: 0.8,
      oz: 5,
      dx: target[0]! - 0.8,
      dy: target[1]! - 0.8,
      dz: -5,
      tMin: 0,
      tMax: Infinity,
    });
    expect(tracer.closest(), String(target)).toBe(true);
  }
});
