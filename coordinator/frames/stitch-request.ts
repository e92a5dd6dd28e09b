/** What the frame worker is asked to do, and what it answers: plain data, since it crosses a thread. */
import type { OutputFormat, View } from '#shared/domain/job.js';
import type { LayerName } from '#shared/domain/layers.js';
import type { Region } from '#shared/domain/region.js';

export interface StitchRequest {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly layers: readonly LayerName[];
  /** Encoded by `shared/image/tile-codec.ts`; together they cover each pixel once. */
  readonly tiles: readonly { readonly tile: number; readonly region: Region; readonly bytes: Uint8Array }[];
  /** Absolute folder; it exists. Files appear in it complete or not at all. */
  readonly folder: string;
  /** e.g. `valley.0012`; the format's extension is added. */
  readonly baseName: string;
  readonly formats: readonly OutputFormat[];
  readonly view: View;
  readonly exposureEv: number;
  /** Text attributes for the EXR header: job id, frame, renderer version, … */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface WrittenFile {
  readonly format: OutputFormat;
  readonly name: string;
  readonly sizeBytes: number;
  /** lower-case hex SHA-256 */
  readonly digest: string;
}

export type StitchResult =
  | { readonly kind: 'written'; readonly files: readonly WrittenFile[] }
  /** Tiles that cannot be used (do not decode, wrong size or layers, not finite): they must be rendered again. */
  | {
      readonly kind: 'bad_tiles';
      readonly tiles: readonly { readonly tile: number; readonly reason: string }[];
    };
