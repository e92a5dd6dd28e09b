/**
 * Builds `valley.glb`: terraced fields, a river and a campus of server halls between karst towers at dusk. Everything
 * is computed here from seeded noise, so the same sources give the same file.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Document, Logger, NodeIO } from '@gltf-transform/core';
import { ALL_EXTENSIONS, EXTMeshoptCompression } from '@gltf-transform/extensions';
import { dedup, prune, quantize, reorder, weld } from '@gltf-transform/functions';
import { MeshoptDecoder, MeshoptEncoder } from 'meshoptimizer';
import { addCamera } from './camera.js';
import { campusMeshes } from './campus.js';
import { farmhouseMeshes } from './farmhouses.js';
import { karstMesh } from './karst.js';
import { addLights } from './lights.js';
import { createMaterials } from './materials.js';
import { RENDER_SETTINGS } from './render-settings.js';
import { ridgeMesh } from './ridges.js';
import { roadMeshes } from './roads.js';
import { skyMesh } from './sky.js';
import { terraceMeshes } from './terraces.js';
import { terrainMesh } from './terrain.js';
import { treeMesh } from './trees.js';
import { riverMesh } from './water.js';

/** The committed file, beside the sources. */
export const VALLEY_FILE = fileURLToPath(new URL('../../../examples/valley/valley.glb', import.meta.url));

/** Reads and writes the valley, with meshopt's codecs ready. */
export async function valleyIo(): Promise<NodeIO> {
  await Promise.all([MeshoptDecoder.ready, MeshoptEncoder.ready]);
  return new NodeIO()
    .registerExtensions(ALL_EXTENSIONS)
    .registerDependencies({ 'meshopt.decoder': MeshoptDecoder, 'meshopt.encoder': MeshoptEncoder });
}

/** The scene before compression: positions in metres, colours scene-linear. */
export async function valleyDocument(): Promise<Document> {
  const document = new Document().setLogger(new Logger(Logger.Verbosity.WARN));
  document.getRoot().getAsset().generator = 'guian examples/valley';
  document.createBuffer();
  const scene = document.createScene('valley').setExtras({ guian: RENDER_SETTINGS });
  document.getRoot().setDefaultScene(scene);

  const materials = await createMaterials(document);
  const terraces = terraceMeshes();
  const campus = campusMeshes();
  const roads = roadMeshes();
  const farmhouses = farmhouseMeshes();
  skyMesh().addTo(document, 'sky', materials.sky, { isUnlit: true });
  ridgeMesh().addTo(document, 'ridges', materials.ridge, { isUnlit: true });
  karstMesh().addTo(document, 'karst towers', materials.karst);
  terrainMesh().addTo(document, 'valley floor', materials.ground);
  riverMesh().addTo(document, 'river', materials.river, { isPlan: true });
  terraces.land.addTo(document, 'terraces', materials.terrace);
  terraces.water.addTo(document, 'flooded fields', materials.paddy);
  treeMesh().addTo(document, 'trees', materials.foliage);
  campus.facades.addTo(document, 'halls', materials.facade);
  campus.plain.addTo(document, 'roofs and paving', materials.plain);
  campus.strips.addTo(document, 'light strips', materials.strip);
  campus.lobbies.addTo(document, 'lobbies', materials.lobby);
  roads.plain.addTo(document, 'roads', materials.plain);
  roads.lampHeads.addTo(document, 'lamp heads', materials.lampHead, { isUnlit: true });
  farmhouses.plain.addTo(document, 'farmhouses', materials.plain);
  farmhouses.windows.addTo(document, 'farmhouse windows', materials.lampHead, { isUnlit: true });
  addLights(document);
  addCamera(document);
  return document;
}

/** The file's bytes: quantised (16 bits for positions, texture coordinates and colours) and meshopt-compressed. */
export async function valleyGlb(): Promise<Uint8Array> {
  const document = await valleyDocument();
  const io = await valleyIo();
  document.createExtension(EXTMeshoptCompression).setRequired(true);
  await document.transform(
    dedup(),
    weld(),
    reorder({ encoder: MeshoptEncoder }),
    quantize({ quantizePosition: 16, quantizeNormal: 8, quantizeTexcoord: 16, quantizeColor: 16 }),
    prune({ keepAttributes: true, keepExtras: true }),
  );
  return io.writeBinary(document);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bytes = await valleyGlb();
  await writeFile(VALLEY_FILE, bytes);
  console.log(`${VALLEY_FILE} (${Math.round(bytes.length / 1000)} kB)`);
}
