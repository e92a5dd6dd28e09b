/** glTF materials as the path tracer wants them: factors, and textures with sampler and UV transform resolved. */
import type { Document, Material, Texture, TextureInfo } from '@gltf-transform/core';
import type { EmissiveStrength, Transform } from '@gltf-transform/extensions';
import type { SceneMaterial, SceneTexture, Vec3 } from '../scene-description.js';

const WRAP = { 33071: 'clamp', 33648: 'mirror', 10497: 'repeat' } as const;
const NEAREST = 9728;

/** What a primitive without a material gets. Source: glTF 2.0, 3.9.6 "Default Material". */
const DEFAULT_MATERIAL: SceneMaterial = {
  name: '',
  baseColor: [1, 1, 1, 1],
  metallic: 1,
  roughness: 1,
  emissive: [0, 0, 0],
  normalScale: 1,
  alphaMode: 'opaque',
  alphaCutoff: 0.5,
  doubleSided: false,
  unlit: false,
  baseColorTexture: null,
  metallicRoughnessTexture: null,
  normalTexture: null,
  emissiveTexture: null,
};

/**
 * @returns the file's materials in order, then the default one. `SceneTexture.image` is an index into `textures` until
 *          `decodeImages` has decided which images are needed.
 */
export function readMaterials(document: Document): {
  readonly materials: readonly SceneMaterial[];
  readonly textures: readonly Texture[];
} {
  const textures = document.getRoot().listTextures();
  const indexOf = new Map(textures.map((texture, i) => [texture, i]));
  const materials = document
    .getRoot()
    .listMaterials()
    .map((material) => readMaterial(material, indexOf));
  return { materials: [...materials, DEFAULT_MATERIAL], textures };
}

function readMaterial(material: Material, indexOf: ReadonlyMap<Texture, number>): SceneMaterial {
  const strength =
    material.getExtension<EmissiveStrength>('KHR_materials_emissive_strength')?.getEmissiveStrength() ?? 1;
  const texture = (source: Texture | null, info: TextureInfo | null) =>
    source && info ? readTexture(indexOf.get(source)!, info) : null;
  return {
    name: material.getName(),
    baseColor: material.getBaseColorFactor(),
    metallic: material.getMetallicFactor(),
    roughness: material.getRoughnessFactor(),
    emissive: material.getEmissiveFactor().map((factor) => factor * strength) as unknown as Vec3,
    normalScale: material.getNormalScale(),
    alphaMode: material.getAlphaMode().toLowerCase() as SceneMaterial['alphaMode'],
    alphaCutoff: material.getAlphaCutoff(),
    doubleSided: material.getDoubleSided(),
    unlit: material.getExtension('KHR_materials_unlit') !== null,
    baseColorTexture: texture(material.getBaseColorTexture(), material.getBaseColorTextureInfo()),
    metallicRoughnessTexture: texture(
      material.getMetallicRoughnessTexture(),
      material.getMetallicRoughnessTextureInfo(),
    ),
    normalTexture: texture(material.getNormalTexture(), material.getNormalTextureInfo()),
    emissiveTexture: texture(material.getEmissiveTexture(), material.getEmissiveTextureInfo()),
  };
}

function readTexture(image: number, info: TextureInfo): SceneTexture {
  const transform = info.getExtension<Transform>('KHR_texture_transform');
  const texCoord = transform?.getTexCoord() ?? info.getTexCoord();
  return {
    image,
    // glTF promises viewers only two sets; a higher one falls back to the first.
    texCoord: texCoord === 1 ? 1 : 0,
    transform: transform ? uvTransform(transform) : [1, 0, 0, 0, 1, 0],
    wrapS: WRAP[info.getWrapS()],
    wrapT: WRAP[info.getWrapT()],
    // A path tracer averages many samples per pixel: only magnification is of interest, and only it can be "nearest".
    filter: info.getMagFilter() === NEAREST ? 'nearest' : 'linear',
  };
}

/**
 * Translation × rotation × scale. The extension's words ("counter-clockwise", with v pointing down) and its test model
 * turn the other way than the GLSL sample in its README; like the Khronos viewer, this follows words and test model.
 */
function uvTransform(transform: Transform): SceneTexture['transform'] {
  const [x, y] = transform.getOffset();
  const [sx, sy] = transform.getScale();
  const cos = Math.cos(transform.getRotation());
  const sin = Math.sin(transform.getRotation());
  return [cos * sx, sin * sy, x, -sin * sx, cos * sy, y];
}
