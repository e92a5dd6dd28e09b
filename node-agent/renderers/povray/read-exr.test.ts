import { expect, test } from 'vitest';
import { encodeExr } from '#shared/image/exr-encode.js';
import { floatFromHalf } from '#shared/image/half.js';
import { readAreaExr } from './read-exr.js';

const [WIDTH, HEIGHT] = [23, 37];
const AREA = { x0: 3, y0: 15, x1: 20, y1: 34 };

/** Finite halves without a pattern, so that blocks are stored as they are, or all alike, so that they are packed. */
function halves(isNoise: boolean): Uint16Array {
  let state = 1;
  return Uint16Array.from({ length: WIDTH * HEIGHT * 4 }, () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return isNoise ? (state >>> 8) & 0x7bff : 0x3800;
  });
}

async function exrOf(data: Uint16Array): Promise<Buffer> {
  const file = Buffer.alloc(65_536);
  let size = 0;
  const picture = { widthPx: WIDTH, heightPx: HEIGHT, layers: [{ name: 'beauty', data } as const] };
  for await (const { position, bytes } of encodeExr(picture, { compression: 'zip' })) {
    file.set(bytes, position);
    size = Math.max(size, position + bytes.length);
  }
  return file.subarray(0, size);
}

test.each([true, false])('an area is cut out exactly; noise: %s', async (isNoise) => {
  const data = halves(isNoise);
  const area = readAreaExr(await exrOf(data), WIDTH, HEIGHT, AREA);
  let index = 0;
  for (let y = AREA.y0; y < AREA.y1; y++)
    for (let x = AREA.x0; x < AREA.x1; x++)
      for (let channel = 0; channel < 4; channel++)
        if (area[index++] !== floatFromHalf(data[(y * WIDTH + x) * 4 + channel]!))
          expect.fail(`channel ${channel} of pixel ${x},${y} differs`);
  expect(area.length).toBe(index);
});

test('infinite values are clamped, and what is not a number is named', async () => {
  const data = halves(false);
  const first = (AREA.y0 * WIDTH + AREA.x0) * 4;
  data[first] = 0x7c00;
  data[first + 1] = 0xfc00;
  const area = readAreaExr(await exrOf(data), WIDTH, HEIGHT, AREA);
  expect([...area.subarray(0, 4)]).toEqual([65_504, -65_504, 0.5, 0.5]);
  data[first] = 0x7e00;
  const file = await exrOf(data);
  expect(() => readAreaExr(file, WIDTH, HEIGHT, AREA)).toThrow(/it is not a number at pixel 3,15/);
  expect(() => readAreaExr(file, WIDTH, HEIGHT, { ...AREA, x0: 4 })).not.toThrow();
});

test('files that are cut short anywhere, damaged or of another size fail, and only in one way', async () => {
  const file = await exrOf(halves(true));
  expect(() => readAreaExr(file, WIDTH + 1, HEIGHT, AREA)).toThrow(/has 23x37 px where 24x37/);
  const whole = { x0: 0, y0: 0, x1: WIDTH, y1: HEIGHT };
  for (let length = 0; length < file.length; length += 97)
    expect(() => readAreaExr(file.subarray(0, length), WIDTH, HEIGHT, whole)).toThrow(
      /the picture that POV-Ray wrote is of no use/,
    );
  const packed = Buffer.from(await exrOf(halves(false)));
  packed.fill(0, packed.length - 20);
  expect(() => readAreaExr(packed, WIDTH, HEIGHT, whole)).toThrow(/does not unpack|is of no use/);
});
