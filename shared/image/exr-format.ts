/**
 * The numbers of the OpenEXR file format that our writer and reader share.
 * Source: "OpenEXR File Layout", https://openexr.com/en/latest/OpenEXRFileLayout.html
 */
export const EXR_MAGIC = 20_000_630;
export const EXR_VERSION = 2;
/** Bits of the version word. */
export const EXR_FLAGS = { tiled: 0x200, longNames: 0x400, deep: 0x800, multiPart: 0x1000 } as const;

/** In the order of their number in the file. */
export const EXR_COMPRESSIONS = [
  'none',
  'rle',
  'zips',
  'zip',
  'piz',
  'pxr24',
  'b44',
  'b44a',
  'dwaa',
  'dwab',
] as const;
export type ExrCompression = (typeof EXR_COMPRESSIONS)[number];

/** Scanlines per chunk of the compressions that we write or read. */
export const EXR_LINES_PER_CHUNK = { none: 1, zips: 1, zip: 16 } as const;

/** In the order of their number in the file. */
export const EXR_SAMPLE_TYPES = ['uint', 'half', 'float'] as const;
export type ExrSampleType = (typeof EXR_SAMPLE_TYPES)[number];

export const EXR_SAMPLE_BYTES: Readonly<Record<ExrSampleType, number>> = { uint: 4, half: 2, float: 4 };

/** Rec. 709 primaries and the D65 white point as x, y: red, green, blue, white. */
export const REC709_CHROMATICITIES = [0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329] as const;
