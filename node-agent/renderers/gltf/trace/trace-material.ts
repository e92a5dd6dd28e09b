/** A scene material as the integrator reads it: numbers in fields of one shape, textures with their sampler. */
import type { SceneImage, SceneMaterial, SceneTexture } from '../scene-description.js';
import { TextureSampler } from './texture.js';

export const ALPHA_OPAQUE = 0;
export const ALPHA_MASK = 1;
export const ALPHA_BLEND = 2;

export class TraceMaterial {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
  readonly metallic: number;
  readonly roughness: number;
  readonly emissiveR: number;
  readonly emissiveG: number;
  readonly emissiveB: number;
  readonly isEmissive: boolean;
  readonly normalScale: number;
  readonly alphaMode: number;
  readonly alphaCutoff: number;
  readonly isDoubleSided: boolean;
  readonly isUnlit: boolean;
  readonly baseColorTexture: TextureSampler | null;
  readonly metallicRoughnessTexture: TextureSampler | null;
  readonly normalTexture: TextureSampler | null;
  readonly emissiveTexture: TextureSampler | null;
  readonly hasTexture: boolean;

  constructor(material: SceneMaterial, images: readonly SceneImage[]) {
    const sampler = (texture: SceneTexture | null, encoding: 'srgb' | 'linear') =>
      texture === null ? null : new TextureSampler(texture, images[texture.image]!, encoding);
    [this.r, this.g, this.b, this.a] = material.baseColor;
    this.metallic = material.metallic;
    this.roughness = material.roughness;
    [this.emissiveR, this.emissiveG, this.emissiveB] = material.emissive;
    this.isEmissive = isEmissive(material);
    this.normalScale = material.normalScale;
    this.alphaMode =
      material.alphaMode === 'opaque'
        ? ALPHA_OPAQUE
        : material.alphaMode === 'mask'
          ? ALPHA_MASK
          : ALPHA_BLEND;
    this.alphaCutoff = material.alphaCutoff;
    this.isDoubleSided = material.doubleSided;
    this.isUnlit = material.unlit;
    this.baseColorTexture = sampler(material.baseColorTexture, 'srgb');
    this.metallicRoughnessTexture = sampler(material.metallicRoughnessTexture, 'linear');
    this.normalTexture = sampler(material.normalTexture, 'linear');
    this.emissiveTexture = sampler(material.emissiveTexture, 'srgb');
    this.hasTexture =
      this.baseColorTexture !== null ||
      this.metallicRoughnessTexture !== null ||
      this.normalTexture !== null ||
      this.emissiveTexture !== null;
  }
}

export function isEmissive(material: SceneMaterial): boolean {
  return !material.unlit && material.emissive.some((channel) => channel > 0);
}
