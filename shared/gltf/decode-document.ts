/**
 * From the bytes of a scene to a glTF-Transform document, with Draco and meshopt data decompressed. Bytes in, document
 * out: who calls decides where the bytes come from (a package on a node's disk, a package under judgement).
 */
import { type Document, GLB_BUFFER, type GLTF, Logger, Verbosity, WebIO } from '@gltf-transform/core';
import {
  EXTMeshoptCompression,
  EXTTextureWebP,
  KHRDracoMeshCompression,
  KHRLightsPunctual,
  KHRMaterialsEmissiveStrength,
  KHRMaterialsUnlit,
  KHRMeshQuantization,
  KHRTextureTransform,
} from '@gltf-transform/extensions';
import draco3d from 'draco3dgltf';
import { MeshoptDecoder } from 'meshoptimizer/decoder';
import { FarmError, messageOf } from '../errors.js';
import type { TracedGltf } from './trace-dependencies.js';

/**
 * @param resources  bytes by URI, for every dependency of `traced`; images that nobody will look at may be left out.
 * @throws SCENE_INVALID with the reader's reason.
 */
export async function decodeDocument(
  traced: TracedGltf,
  resources: ReadonlyMap<string, Uint8Array>,
): Promise<Document> {
  decoders ??= prepareDecoders();
  const io = await decoders;
  const bytesByUri: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const [uri, bytes] of resources) bytesByUri[uri] = bytes as Uint8Array<ArrayBuffer>;
  if (traced.binary) bytesByUri[GLB_BUFFER] = traced.binary as Uint8Array<ArrayBuffer>;
  try {
    return await io.readJSON({ json: withExplicitOffsets(traced.json), resources: bytesByUri });
  } catch (error) {
    // A WebAssembly decoder that aborted on bad data is unusable from then on: the next scene gets new ones.
    decoders = undefined;
    if (error instanceof FarmError) throw error;
    const reason = messageOf(error).replace(/\s+/g, ' ').slice(0, 200);
    throw new FarmError(
      'SCENE_INVALID',
      `the scene's data cannot be decoded: ${reason}; export it again`,
      {},
      { cause: error },
    );
  }
}

/** Decoders are WebAssembly modules: made once per thread, on first use. */
let decoders: Promise<WebIO> | undefined;

async function prepareDecoders(): Promise<WebIO> {
  const [draco] = await Promise.all([draco3d.createDecoderModule(), MeshoptDecoder.ready]);
  return (
    // Of the readers, WebIO is the one that touches no files; everything it needs is in memory.
    new WebIO()
      .setLogger(new Logger(Verbosity.SILENT))
      .registerExtensions([
        EXTMeshoptCompression,
        EXTTextureWebP,
        KHRDracoMeshCompression,
        KHRLightsPunctual,
        KHRMaterialsEmissiveStrength,
        KHRMaterialsUnlit,
        KHRMeshQuantization,
        KHRTextureTransform,
      ])
      .registerDependencies({ 'draco3d.decoder': draco, 'meshopt.decoder': MeshoptDecoder })
  );
}

/**
 * The reader (4.5) lets sparse indices and values without a `byteOffset` inherit the base accessor's, where glTF's
 * default is 0: written out, there is nothing to inherit.
 */
function withExplicitOffsets(json: GLTF.IGLTF): GLTF.IGLTF {
  if (!json.accessors?.some((accessor) => accessor.sparse)) return json;
  return {
    ...json,
    accessors: json.accessors.map((accessor) => {
      const { sparse } = accessor;
      if (!sparse) return accessor;
      return {
        ...accessor,
        sparse: {
          ...sparse,
          indices: { ...sparse.indices, byteOffset: sparse.indices.byteOffset ?? 0 },
          values: { ...sparse.values, byteOffset: sparse.values.byteOffset ?? 0 },
        },
      };
    }),
  };
}
