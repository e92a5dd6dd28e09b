import { writeExr, writeHdr } from 'hdrify';
import { describe, expect, it } from 'vitest';
import { decodeEnvironment } from './decode-environment.js';
import { environmentHeader } from './environment-header.js';

const text = (value: string) => new TextEncoder().encode(value);
const hdr = (resolution: string) => text(`#?RADIANCE\n# by hand\nFORMAT=32-bit_rle_rgbe\n\n${resolution}\n`);
const exr = writeExr({
  width: 6,
  height: 3,
  linearColorSpace: 'linear-rec709',
  data: new Float32Array(6 * 3 * 4).fill(0.5),
});

/** The EXR with flags of its version field set. */
function flagged(flags: number): Uint8Array {
  const bytes = exr.slice();
  new DataView(bytes.buffer).setUint32(4, 2 | flags, true);
  return bytes;
}

describe('environment files', () => {
  it('say their size and format', () => {
    expect(environmentHeader('a.hdr', hdr('-Y 2 +X 4'))).toMatchObject({
      format: 'hdr',
      widthPx: 4,
      heightPx: 2,
    });
    expect(environmentHeader('a.exr', exr)).toMatchObject({ format: 'exr', widthPx: 6, heightPx: 3 });
  });

  it.each([
    ['nothing', new Uint8Array(0), 'neither'],
    ['another format', text('hello'), 'neither'],
    ['no resolution', text('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n'), 'no "-Y height'],
    ['a turned picture', hdr('+X 4 -Y 2'), 'no "-Y height'],
    ['no pixels', hdr('-Y 0 +X 4'), '4×0 px'],
    ['too many pixels', hdr('-Y 90000 +X 180000'), '180000×90000'],
    ['more pixels than bytes could hold', hdr('-Y 4000 +X 8000'), 'has only'],
    ['a tiled EXR', flagged(0x200), 'tiled'],
    ['a deep EXR', flagged(0x800), 'deep'],
    ['a multi-part EXR', flagged(0x1000), 'multi-part'],
    ['an EXR cut inside its header', exr.slice(0, 40), 'truncated'],
    ['an EXR of the magic alone', exr.slice(0, 4), 'truncated'],
  ])('with %s are refused in one line', (_, bytes, why) => {
    expect(() => environmentHeader('sky.hdr', bytes)).toThrow(
      expect.objectContaining({
        code: 'IMAGE_INVALID',
        message: expect.stringMatching(new RegExp(`^environment sky.hdr .*${why}[^\\n]*$`)),
      }),
    );
  });

  const image = {
    width: 40,
    height: 20,
    linearColorSpace: 'linear-rec709' as const,
    data: new Float32Array(40 * 20 * 4).map((_, i) => i % 97),
  };
  it.each([
    ['sky.hdr', writeHdr(image)],
    ['sky.exr', writeExr(image)],
    ['flat.exr', writeExr(image, { compression: 'none' })],
  ])('are whole or refused, wherever they are cut: %s', (path, bytes) => {
    expect(decodeEnvironment(path, bytes)).toMatchObject({ widthPx: 40, heightPx: 20 });
    for (let cut = 1; cut < bytes.length; cut = cut * 2 + 1) {
      expect(() => decodeEnvironment(path, bytes.slice(0, -cut))).toThrow(
        expect.objectContaining({ code: 'IMAGE_INVALID' }),
      );
    }
  });

  it('mean what Radiance says: mantissa 128 and exponent 129 are 1 and a half step', () => {
    const file = new Uint8Array([...hdr('-Y 1 +X 1'), 128, 128, 0, 129]);
    const { data } = decodeEnvironment('sky.hdr', file);
    expect(data[0]).toBeCloseTo(128.5 / 128, 6);
    expect(data[2]).toBeCloseTo(0.5 / 128, 6);
  });
});
