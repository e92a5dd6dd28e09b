/** What an image file is, by its first bytes: nothing but these three formats ever reaches an image decoder. */
export type ImageKind = 'png' | 'jpeg' | 'webp';

/** @returns null for anything else (SVG and GIF among them, which glTF does not allow). */
export function imageKind(bytes: Uint8Array): ImageKind | null {
  const starts = (offset: number, ...expected: number[]) =>
    expected.every((byte, i) => bytes[offset + i] === byte);
  if (starts(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  if (starts(0, 0xff, 0xd8, 0xff)) return 'jpeg';
  if (starts(0, 0x52, 0x49, 0x46, 0x46) && starts(8, 0x57, 0x45, 0x42, 0x50)) return 'webp';
  return null;
}
