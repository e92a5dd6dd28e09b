/**
 * Tells .gltf from .glb by content, checks the GLB container and parses the JSON. Everything that reads glTF starts
 * here, so that a truncated or foreign file gets the same one-line message from the CLI, the coordinator and a node.
 */
import type { GLTF } from '@gltf-transform/core';
import { FarmError, messageOf } from '../errors.js';
import { LIMITS } from '../limits.js';

export interface ParsedGltf {
  readonly kind: 'gltf' | 'glb';
  /** Only `asset.version` and the types of top-level lists are checked; the validator judges the rest. */
  readonly json: GLTF.IGLTF;
  /** The GLB's binary chunk. */
  readonly binary: Uint8Array | null;
}

const GLB_MAGIC = 0x46546c67; // "glTF"
const CHUNK_JSON = 0x4e4f534a;
const CHUNK_BIN = 0x004e4942;
const HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;

const LISTS = [
  'accessors',
  'animations',
  'buffers',
  'bufferViews',
  'cameras',
  'images',
  'materials',
  'meshes',
  'nodes',
  'samplers',
  'scenes',
  'skins',
  'textures',
  'extensionsUsed',
  'extensionsRequired',
] as const;

/**
 * @param fileName  shown in messages.
 * @throws SCENE_INVALID, SCENE_UNSUPPORTED (glTF 1.0).
 * Source: glTF 2.0, section 4 "GLB File Format Specification".
 */
export function parseGltf(fileName: string, bytes: Uint8Array): ParsedGltf {
  if (bytes.byteLength === 0) throw invalid(fileName, 'it is empty');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength >= 4 && view.getUint32(0, true) === GLB_MAGIC) {
    const { jsonBytes, binary } = readChunks(fileName, bytes, view);
    return { kind: 'glb', json: parseJson(fileName, jsonBytes), binary };
  }
  if (!startsLikeJson(bytes)) {
    throw invalid(fileName, 'it starts neither with "{" (.gltf) nor with the magic "glTF" (.glb)');
  }
  return { kind: 'gltf', json: parseJson(fileName, bytes), binary: null };
}

function readChunks(fileName: string, bytes: Uint8Array, view: DataView) {
  const size = bytes.byteLength;
  if (size < HEADER_BYTES + CHUNK_HEADER_BYTES)
    throw invalid(fileName, `the GLB is truncated: ${size} bytes do not hold its header`);
  const version = view.getUint32(4, true);
  if (version === 1) throw unsupportedVersion(fileName, '1.0');
  if (version !== 2) throw invalid(fileName, `the GLB header says version ${version}; only 2 exists`);
  const declaredBytes = view.getUint32(8, true);
  if (declaredBytes > size)
    throw invalid(
      fileName,
      `the GLB is truncated: its header says ${declaredBytes} bytes, the file has ${size}`,
    );

  let jsonBytes: Uint8Array | null = null;
  let binary: Uint8Array | null = null;
  for (let offset = HEADER_BYTES; offset < declaredBytes; ) {
    if (offset + CHUNK_HEADER_BYTES > declaredBytes)
      throw invalid(fileName, `the GLB is truncated inside a chunk header at byte ${offset}`);
    const chunkBytes = view.getUint32(offset, true);
    const chunkType = view.getUint32(offset + 4, true);
    const start = offset + CHUNK_HEADER_BYTES;
    if (start + chunkBytes > declaredBytes)
      throw invalid(
        fileName,
        `the GLB chunk at byte ${offset} has ${chunkBytes} bytes and does not fit the file`,
      );
    const chunk = bytes.subarray(start, start + chunkBytes);
    if (jsonBytes === null) {
      if (chunkType !== CHUNK_JSON) throw invalid(fileName, 'the first chunk of the GLB is not JSON');
      jsonBytes = chunk;
    } else if (chunkType === CHUNK_BIN && binary === null) binary = chunk;
    offset = start + chunkBytes;
  }
  if (jsonBytes === null) throw invalid(fileName, 'the GLB has no JSON chunk');
  return { jsonBytes, binary };
}

function startsLikeJson(bytes: Uint8Array): boolean {
  let i = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (i < bytes.length && (bytes[i] === 0x20 || (bytes[i]! >= 0x09 && bytes[i]! <= 0x0d))) i++;
  return bytes[i] === 0x7b;
}

function parseJson(fileName: string, bytes: Uint8Array): GLTF.IGLTF {
  if (bytes.byteLength > LIMITS.sceneJsonBytesMax)
    throw invalid(
      fileName,
      `its JSON has ${bytes.byteLength} bytes; at most ${LIMITS.sceneJsonBytesMax} are read`,
    );
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(fileName, `its JSON does not parse: ${oneLine(messageOf(error))}`, error);
  }
  if (!isObject(json) || !isObject(json['asset']))
    throw invalid(fileName, 'it is JSON without an "asset" object, so it is not glTF');
  const version = json['asset']['version'];
  if (typeof version !== 'string')
    throw invalid(fileName, '"asset.version" is missing; glTF 2.0 requires it');
  if (!version.startsWith('2.')) throw unsupportedVersion(fileName, version.slice(0, 16));
  for (const key of LISTS) {
    if (json[key] !== undefined && !Array.isArray(json[key]))
      throw invalid(fileName, `"${key}" is not a list`);
  }
  return json as unknown as GLTF.IGLTF;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parser messages quote the file, so they can hold line breaks and be long. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 160);
}

function unsupportedVersion(fileName: string, version: string): FarmError {
  return new FarmError(
    'SCENE_UNSUPPORTED',
    `${fileName} has glTF version ${version}; only version 2 is rendered, so export it again as glTF 2.0`,
    { fileName },
  );
}

function invalid(fileName: string, why: string, cause?: unknown): FarmError {
  return new FarmError(
    'SCENE_INVALID',
    `${fileName} is not a usable glTF file: ${why}; export it again`,
    { fileName },
    { cause },
  );
}
