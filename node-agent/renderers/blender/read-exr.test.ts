import { expect, test } from 'vitest';
import { readTileExr } from './read-exr.js';

const [WIDTH, HEIGHT] = [3, 2];
const CHANNELS = ['A', 'B', 'G', 'R'].map((channel) => `View.Layer.Combined.${channel}`);
const DEPTH = ['View.Layer.Denoising Depth.Z', 'View.Layer.Depth.Z'];

interface Picture {
  readonly channels?: readonly string[];
  readonly sampleType?: number;
  readonly compression?: number;
  readonly value?: (channel: number, x: number, y: number) => number;
}

/** As Blender writes it: scanlines, uncompressed, channels by name. */
function exr({ channels = CHANNELS, sampleType = 2, compression = 0, value = pixel }: Picture = {}): Buffer {
  const list = channels.map((name) =>
    Buffer.concat([text(name), ints(sampleType), Buffer.alloc(4), ints(1, 1)]),
  );
  const window = ints(0, 0, WIDTH - 1, HEIGHT - 1);
  const header = Buffer.concat([
    ints(20_000_630, 2 | 0x400),
    attribute('channels', 'chlist', Buffer.concat([...list, Buffer.alloc(1)])),
    attribute('compression', 'compression', Buffer.from([compression])),
    attribute('dataWindow', 'box2i', window),
    attribute('displayWindow', 'box2i', window),
    Buffer.alloc(1),
  ]);
  const lines = Array.from({ length: HEIGHT }, (_, y) => {
    const samples = channels.flatMap((_, channel) =>
      Array.from({ length: WIDTH }, (_, x) => value(channel, x, y)),
    );
    const data = Buffer.from(Float32Array.from(samples).buffer);
    return Buffer.concat([ints(y, data.length), data]);
  });
  const first = header.length + 8 * HEIGHT;
  const offsets = Buffer.alloc(8 * HEIGHT);
  for (const y of lines.keys()) offsets.writeBigUInt64LE(BigInt(first + y * lines[0]!.length), 8 * y);
  return Buffer.concat([header, offsets, ...lines]);
}

/** The table stands before the lines. */
function withoutOffsets(file: Buffer): Buffer {
  const lines = file.length - HEIGHT * (8 + 4 * WIDTH * CHANNELS.length);
  return file.fill(0, lines - 8 * HEIGHT, lines);
}

const pixel = (channel: number, x: number, y: number) => 100 * channel + 10 * y + x;
const text = (value: string) => Buffer.from(`${value}\0`);
function ints(...values: number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}
const attribute = (name: string, type: string, value: Buffer) =>
  Buffer.concat([text(name), text(type), ints(value.length), value]);

test('planes in name order become interleaved layers in the order asked for', () => {
  const file = exr({ channels: [...CHANNELS, ...DEPTH] });
  const [depth, beauty] = readTileExr(file, WIDTH, HEIGHT, ['depth', 'beauty']);
  expect([...depth!.data]).toEqual([500, 501, 502, 510, 511, 512]);
  expect([...beauty!.data.subarray(0, 8)]).toEqual([300, 200, 100, 0, 301, 201, 101, 1]);
  expect([...beauty!.data.subarray(12, 16)]).toEqual([310, 210, 110, 10]);
});

test.each<[string, () => Buffer, RegExp]>([
  ['is empty', () => Buffer.alloc(0), /is not complete/],
  ['ends in its header', () => exr().subarray(0, 100), /is not complete/],
  ['ends in its last line', () => exr().subarray(0, -1), /the disk took no more of it/],
  ['has no offsets', () => withoutOffsets(exr()), /is not complete: line 0 is missing/],
  ['lacks a channel', () => exr({ channels: CHANNELS.slice(1) }), /0 channels "Combined\.A"/],
  ['has a channel of two view layers', () => exr({ channels: [...CHANNELS, 'b.Combined.R'] }), /2 channels/],
  ['is half float', () => exr({ sampleType: 1 }), /not float/],
  ['is compressed', () => exr({ compression: 3 }), /compressed \(zip\)/],
  [
    'has a pixel that is no number',
    () => exr({ value: (c, x, y) => (c + x + y ? 1 : Number.NaN) }),
    /1 of 24 values of layer beauty/,
  ],
  ['is not a number at all', () => exr({ value: () => Number.NaN }), /has all values of layer beauty/],
  ['has an infinite pixel', () => exr({ value: (_, x, y) => (x && y ? Infinity : 1) }), /at pixel 1,1/],
])('a file that %s is refused with the reason', (_, make, message) => {
  expect(() => readTileExr(make(), WIDTH, HEIGHT, ['beauty'])).toThrow(
    expect.objectContaining({ code: 'RENDER_FAILED', message: expect.stringMatching(message) }),
  );
});

test('a file of another size is refused', () => {
  expect(() => readTileExr(exr(), WIDTH + 1, HEIGHT, ['beauty'])).toThrow(
    /has 3x2 px where 4x2 were asked for/,
  );
});
