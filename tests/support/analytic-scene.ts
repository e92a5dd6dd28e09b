/**
 * Scenes of a few exact shapes, written as real glTF files and rendered whole by the production renderer, for tests that
 * compare pictures with closed forms. Lengths in metres; the camera looks along −Z unless it is turned.
 */
import type { GLTF, Material, Mesh, Node } from '@gltf-transform/core';
import {
  KHRLightsPunctual,
  KHRMaterialsEmissiveStrength,
  KHRMaterialsUnlit,
  type Light,
} from '@gltf-transform/extensions';
import { gltfRenderer } from '#node-agent/renderers/gltf/renderer.js';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { glbOf, SceneBuilder, writeSceneFolder } from './gltf-scenes.js';
import { SESSION } from './session.js';

export type Triple = readonly [number, number, number];
export type Quad = readonly [number, number, number, number];

export interface MaterialParts {
  readonly color?: Triple | Quad;
  readonly metallic?: number;
  readonly roughness?: number;
  /** nits of each channel: written as a factor of at most 1 and KHR_materials_emissive_strength */
  readonly nits?: Triple;
  readonly unlit?: boolean;
  readonly doubleSided?: boolean;
  readonly alphaMode?: GLTF.MaterialAlphaMode;
  /** PNG bytes of the base colour */
  readonly picture?: Uint8Array;
  /** PNG bytes of the normal map */
  readonly normalMap?: Uint8Array;
}

export interface Placement {
  readonly at?: Triple;
  /** unit quaternion */
  readonly turn?: Quad;
  readonly size?: Triple;
}

/** Corners of a square of side 2 in the plane z = 0 that faces +Z; (0, 0) of its texture is at the top left. */
export const SQUARE = {
  POSITION: [-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0],
  NORMAL: [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1],
  TEXCOORD_0: [0, 1, 1, 1, 1, 0, 0, 0],
} as const;
export const SQUARE_INDICES = new Uint16Array([0, 1, 2, 0, 2, 3]);

export class AnalyticScene extends SceneBuilder {
  material(parts: MaterialParts): Material {
    const { color = [1, 1, 1], nits, doubleSided = false, alphaMode = 'OPAQUE' } = parts;
    const material = this.document
      .createMaterial()
      .setBaseColorFactor([color[0], color[1], color[2], color[3] ?? 1])
      .setMetallicFactor(parts.metallic ?? 0)
      .setRoughnessFactor(parts.roughness ?? 1)
      .setDoubleSided(doubleSided)
      .setAlphaMode(alphaMode);
    if (nits) {
      const largest = Math.max(...nits);
      const strength = this.document.createExtension(KHRMaterialsEmissiveStrength).createEmissiveStrength();
      material
        .setEmissiveFactor([nits[0] / largest, nits[1] / largest, nits[2] / largest])
        .setExtension('KHR_materials_emissive_strength', strength.setEmissiveStrength(largest));
    }
    if (parts.unlit)
      material.setExtension(
        'KHR_materials_unlit',
        this.document.createExtension(KHRMaterialsUnlit).createUnlit(),
      );
    if (parts.picture) material.setBaseColorTexture(this.texture(parts.picture));
    if (parts.normalMap) material.setNormalTexture(this.texture(parts.normalMap));
    return material;
  }

  texture(png: Uint8Array) {
    return this.document.createTexture().setImage(png).setMimeType('image/png');
  }

  /** A square of side 2 × size. */
  square(material: Material, placement: Placement = {}, attributes = {}): Node {
    const mesh = this.mesh({ attributes: { ...SQUARE, ...attributes }, indices: SQUARE_INDICES, material });
    return place(this.show(mesh), placement);
  }

  /** A ball of radius 1 with exact normals, and one vertex colour throughout if given. */
  ball(material: Material, placement: Placement = {}, colorOfVertex?: Quad): Node {
    return place(this.show(this.#ballMesh(material, colorOfVertex)), placement);
  }

  #ballMesh(material: Material, colorOfVertex: Quad | undefined, columns = 32, rows = 16): Mesh {
    const [position, uv, color, indices]: number[][] = [[], [], [], []];
    for (let row = 0; row <= rows; row++) {
      for (let column = 0; column <= columns; column++) {
        const theta = (Math.PI * row) / rows;
        const phi = (2 * Math.PI * column) / columns;
        position!.push(Math.sin(theta) * Math.sin(phi), Math.cos(theta), Math.sin(theta) * Math.cos(phi));
        uv!.push(column / columns, row / rows);
        if (colorOfVertex) color!.push(...colorOfVertex);
        if (row === rows || column === columns) continue;
        const a = row * (columns + 1) + column;
        const b = a + columns + 1;
        if (row > 0) indices!.push(a, b, a + 1);
        if (row < rows - 1) indices!.push(a + 1, b, b + 1);
      }
    }
    const attributes = { POSITION: position!, NORMAL: position!, TEXCOORD_0: uv! };
    return this.mesh({
      attributes: colorOfVertex ? { ...attributes, COLOR_0: color! } : attributes,
      indices: new Uint16Array(indices!),
      material,
    });
  }

  /** Half extents of the film in metres; it hangs at z = 5 unless placed elsewhere. */
  orthographic(xmag: number, ymag = xmag, placement: Placement = {}): Node {
    const camera = this.document
      .createCamera()
      .setType('orthographic')
      .setXMag(xmag)
      .setYMag(ymag)
      .setZNear(0.01)
      .setZFar(1000);
    const node = this.document.createNode().setCamera(camera);
    this.scene.addChild(node);
    return place(node, { at: [0, 0, 5], ...placement });
  }

  perspective(yfov: number, placement: Placement = {}, aspectRatio?: number): Node {
    const camera = this.document.createCamera().setType('perspective').setYFov(yfov).setZNear(0.01);
    if (aspectRatio) camera.setAspectRatio(aspectRatio);
    const node = this.document.createNode().setCamera(camera);
    this.scene.addChild(node);
    return place(node, placement);
  }

  /** A node of the scene with a light; it shines along the node's −Z. */
  light(kind: 'directional' | 'point' | 'spot', intensity: number, placement: Placement = {}): LightNode {
    const light = this.document
      .createExtension(KHRLightsPunctual)
      .createLight()
      .setType(kind)
      .setIntensity(intensity);
    const node = this.document.createNode().setExtension('KHR_lights_punctual', light);
    this.scene.addChild(node);
    return { light, node: place(node, placement) };
  }
}

export interface LightNode {
  readonly light: Light;
  readonly node: Node;
}

function place(node: Node, { at = [0, 0, 0], turn = [0, 0, 0, 1], size = [1, 1, 1] }: Placement): Node {
  return node
    .setTranslation([...at] as [number, number, number])
    .setRotation([...turn] as [number, number, number, number])
    .setScale([...size] as [number, number, number]);
}

/** Quaternion of a turn about an axis, counter-clockwise as seen from its tip. */
export function turnAbout(axis: 'x' | 'y' | 'z', degrees: number): Quad {
  const half = (degrees * Math.PI) / 360;
  const s = Math.sin(half);
  return [axis === 'x' ? s : 0, axis === 'y' ? s : 0, axis === 'z' ? s : 0, Math.cos(half)];
}

/** The beauty layer of a whole frame, float32 as the renderer made it. */
export class Picture {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #rgba: Float32Array;

  constructor(widthPx: number, heightPx: number, rgba: Float32Array) {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.#rgba = rgba;
  }

  /** Premultiplied RGBA; (0, 0) is the top left. */
  at(x: number, y: number): number[] {
    const start = (y * this.widthPx + x) * 4;
    return [...this.#rgba.subarray(start, start + 4)];
  }

  /** Of all pixels. */
  mean(channel: number): number {
    let sum = 0;
    for (let i = channel; i < this.#rgba.length; i += 4) sum += this.#rgba[i]!;
    return sum / (this.widthPx * this.heightPx);
  }

  /** One channel, row by row. */
  channel(channel: number): number[][] {
    return Array.from({ length: this.heightPx }, (_, y) =>
      Array.from({ length: this.widthPx }, (_, x) => this.#rgba[(y * this.widthPx + x) * 4 + channel]!),
    );
  }

  /** Bounds of the pixels that are covered at all, half-open; they must form a full rectangle of alpha exactly 1. */
  coveredRectangle(): { x0: number; y0: number; x1: number; y1: number } | string {
    const alpha = this.channel(3);
    const covered = alpha.flatMap((row, y) =>
      row.flatMap((value, x) => (value > 0 ? [{ x, y, value }] : [])),
    );
    if (covered.length === 0) return 'nothing';
    const xs = covered.map(({ x }) => x);
    const ys = covered.map(({ y }) => y);
    const found = {
      x0: Math.min(...xs),
      y0: Math.min(...ys),
      x1: Math.max(...xs) + 1,
      y1: Math.max(...ys) + 1,
    };
    const isFull = covered.length === (found.x1 - found.x0) * (found.y1 - found.y0);
    const partly = covered.find(({ value }) => value !== 1);
    if (partly) return `pixel ${partly.x},${partly.y} has alpha ${partly.value}`;
    return isFull ? found : `a shape with holes in ${JSON.stringify(found)}`;
  }

  brightest(): { x: number; y: number; value: number } {
    const best = { x: 0, y: 0, value: Number.NEGATIVE_INFINITY };
    this.channel(0).forEach((row, y) => {
      row.forEach((value, x) => {
        if (value > best.value) Object.assign(best, { x, y, value });
      });
    });
    return best;
  }
}

export interface FrameParts {
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly samples?: number;
  readonly frame?: number;
  readonly fps?: number;
  readonly environment?: 'none' | 'white';
  /** a file beside the scene: its name and content */
  readonly environmentFile?: readonly [name: string, bytes: Uint8Array];
}

/** Writes the scene as a .glb and renders one whole frame of it. 8 × 8 px, 16 samples, no environment if not told otherwise. */
export async function renderScene(scene: SceneBuilder, parts: FrameParts = {}): Promise<Picture> {
  const { widthPx = 8, heightPx = 8, samples = 16, frame = 0, fps = 24, environmentFile } = parts;
  const environment = environmentFile
    ? { kind: 'file', path: environmentFile[0] }
    : { kind: parts.environment ?? 'none' };
  await using folder = await writeSceneFolder('scene.glb', {
    'scene.glb': await glbOf(scene.document),
    ...(environmentFile ? { [environmentFile[0]]: environmentFile[1] } : {}),
  });
  const settings = renderSettingsSchema.parse({ widthPx, heightPx, samples, fps, environment });
  const request = { scene: folder, settings, frame };
  const prepared = await gltfRenderer.prepare(request);
  const session = await gltfRenderer.open(SESSION);
  const region = { x0: 0, y0: 0, x1: widthPx, y1: heightPx };
  const control = { isCancelled: () => false, progress: () => undefined };
  const { layers } = await session.render({ ...request, prepared, region }, control);
  await session.close();
  return new Picture(widthPx, heightPx, layers[0]!.data);
}
