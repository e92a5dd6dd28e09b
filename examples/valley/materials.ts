/** The materials, each named for what it covers. */
import type { Document, Material, Texture, TextureInfo } from '@gltf-transform/core';
import {
  EXTTextureWebP,
  KHRMaterialsEmissiveStrength,
  KHRMaterialsUnlit,
  KHRTextureTransform,
} from '@gltf-transform/extensions';
import { UV_TRANSFORM } from './mesh-builder.js';
import * as textures from './textures.js';
import type { Vec3 } from './vector.js';

/** Radiance of lit surfaces in nits, at the scale of a sky of 0.05 to 0.8. */
const WINDOW_NITS = 1.2;
const STRIP_NITS = 1.5;
const LOBBY_NITS = 0.8;

export type Materials = Awaited<ReturnType<typeof createMaterials>>;

/** All materials, with their textures, in a fixed order. */
export async function createMaterials(document: Document) {
  const maps = await createTextures(document);
  const make = new MaterialMaker(document);
  const facade = make.textured(make.matte('facade', 1), maps.facade);
  facade
    .setMetallicFactor(1)
    .setEmissiveTexture(maps.windows)
    .setMetallicRoughnessTexture(maps.facadeRoughness);
  make.tile(facade.getEmissiveTextureInfo());
  make.tile(facade.getMetallicRoughnessTextureInfo());
  // Half metal, so that even a steep look at it shows the sky: the eye expects more of it than real water gives.
  const river = make.matte('river', 0.09, [0.3, 0.36, 0.4]).setMetallicFactor(0.55);
  river.setNormalTexture(maps.ripples).setNormalScale(0.06);
  make.tile(river.getNormalTextureInfo());

  return {
    ground: make.textured(make.matte('ground', 0.95), maps.grass),
    terrace: make.textured(make.matte('terrace', 0.95), maps.grass).setDoubleSided(true),
    karst: make.textured(make.matte('karst', 0.95), maps.woodedRock),
    foliage: make.textured(make.matte('foliage', 0.9), maps.leaves),
    river,
    paddy: make.matte('paddy', 0.03, [0.82, 0.86, 0.9]).setMetallicFactor(0.9),
    facade: make.glowing(facade, [1, 1, 1], WINDOW_NITS),
    plain: make.matte('plain', 0.75),
    strip: make.glowing(make.matte('strip', 1, [0.1, 0.1, 0.1]), [0.45, 0.74, 1], STRIP_NITS),
    lobby: make.glowing(make.matte('lobby', 1, [0.1, 0.1, 0.1]), [1, 0.5, 0.16], LOBBY_NITS),
    sky: make.unlit(make.textured(make.matte('sky', 1), maps.clouds)),
    ridge: make.unlit(make.matte('ridge', 1)),
    lampHead: make.unlit(make.matte('lamp head', 1, [1, 0.9, 0.72])),
  };
}

async function createTextures(document: Document) {
  document.createExtension(EXTTextureWebP).setRequired(true);
  const texture = async (name: string, image: Promise<Uint8Array>): Promise<Texture> =>
    document
      .createTexture(name)
      .setMimeType('image/webp')
      .setImage(await image);
  // One after the other: the order in the file must not depend on which encoder ends first.
  return {
    grass: await texture('grass', textures.grassTexture()),
    leaves: await texture('leaves', textures.leafTexture()),
    woodedRock: await texture('wooded rock', textures.woodedRockTexture()),
    ripples: await texture('ripples', textures.rippleTexture()),
    clouds: await texture('clouds', textures.cloudTexture()),
    facade: await texture('facade', textures.facadeColorTexture()),
    windows: await texture('windows', textures.facadeEmissiveTexture()),
    facadeRoughness: await texture('facade roughness', textures.facadeRoughnessTexture()),
  };
}

class MaterialMaker {
  readonly #document: Document;
  readonly #transform: KHRTextureTransform;
  readonly #unlit: KHRMaterialsUnlit;
  readonly #strength: KHRMaterialsEmissiveStrength;

  constructor(document: Document) {
    this.#document = document;
    this.#transform = document.createExtension(KHRTextureTransform).setRequired(true);
    this.#unlit = document.createExtension(KHRMaterialsUnlit);
    this.#strength = document.createExtension(KHRMaterialsEmissiveStrength);
  }

  /** Not a metal; the colour multiplies the vertices'. */
  matte(name: string, roughness: number, color: Vec3 = [1, 1, 1]): Material {
    const material = this.#document.createMaterial(name).setBaseColorFactor([...color, 1]);
    return material.setRoughnessFactor(roughness).setMetallicFactor(0);
  }

  textured(material: Material, map: Texture): Material {
    material.setBaseColorTexture(map);
    this.tile(material.getBaseColorTextureInfo());
    return material;
  }

  /** Undoes how `MeshBuilder` stores coordinates. */
  tile(info: TextureInfo | null): void {
    const transform = this.#transform.createTransform();
    transform.setScale([...UV_TRANSFORM.scale]).setOffset([...UV_TRANSFORM.offset]);
    info?.setExtension('KHR_texture_transform', transform);
  }

  glowing(material: Material, color: Vec3, nits: number): Material {
    const strength = this.#strength.createEmissiveStrength().setEmissiveStrength(nits);
    return material.setEmissiveFactor([...color]).setExtension('KHR_materials_emissive_strength', strength);
  }

  unlit(material: Material): Material {
    return material.setExtension('KHR_materials_unlit', this.#unlit.createUnlit());
  }
}
