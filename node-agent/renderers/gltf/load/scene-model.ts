/**
 * A glTF scene as loaded once per thread and kept between frames: decoded arrays, node tree, animation tracks, images.
 * Nodes are numbered by their place in the scene's depth-first order, so parents always come before children.
 */
import type { Document, GLTF, Mesh as GltfMesh } from '@gltf-transform/core';
import { FarmError } from '#shared/errors.js';
import { sceneNodes } from '#shared/gltf/scene-nodes.js';
import type { SceneImage, SceneMaterial } from '../scene-description.js';
import { readTracks, type Track } from './animation-tracks.js';
import { decodeImages } from './decode-images.js';
import { IDENTITY } from './matrix.js';
import type { Primitive } from './primitive.js';
import { type NodeLight, readLights } from './read-lights.js';
import { readMaterials } from './read-materials.js';
import { readPrimitive } from './read-primitive.js';

export interface NodeTree {
  readonly count: number;
  /** −1 for roots */
  readonly parents: Int32Array;
  /** t(3) r(4) s(3) per node, before animation */
  readonly trs: Float64Array;
  /** Local matrices of nodes that have one instead of t, r, s. */
  readonly matrices: readonly (readonly number[] | null)[];
  /** Morph weights before animation. */
  readonly weights: readonly (readonly number[] | null)[];
  /** Node index of the file → place in this tree; −1 when outside the scene. */
  readonly placeOf: Int32Array;
}

export interface Skin {
  /** places in the tree */
  readonly joints: Int32Array;
  /** joints × 16 */
  readonly inverseBind: Float64Array;
}

/** One primitive drawn by one node. */
export interface Draw {
  readonly node: number;
  readonly primitive: Primitive;
  readonly skin: Skin | null;
}

export interface SceneModel {
  /** For names and camera definitions; the decoded document and the file's bytes are not kept. */
  readonly json: GLTF.IGLTF;
  readonly sceneIndex: number;
  readonly tree: NodeTree;
  readonly draws: readonly Draw[];
  /** Tracks of every animation of the file. */
  readonly animations: readonly (readonly Track[])[];
  readonly lights: readonly NodeLight[];
  readonly materials: readonly SceneMaterial[];
  readonly images: readonly SceneImage[];
  /** Some material in use gives light. */
  readonly isEmissive: boolean;
}

/** @throws SCENE_INVALID, IMAGE_INVALID. */
export async function buildSceneModel(
  json: GLTF.IGLTF,
  document: Document,
  sceneIndex: number,
): Promise<SceneModel> {
  const tree = readTree(json, sceneIndex);
  const { materials, textures } = readMaterials(document);
  const draws = readDraws(json, document, tree, materials);
  const used = new Set(draws.map((draw) => draw.primitive.material));
  const { images, materials: placed } = await decodeImages(textures, materials, used);
  return {
    json,
    sceneIndex,
    tree,
    draws,
    animations: document
      .getRoot()
      .listAnimations()
      .map((_, i) => readTracks(document, tree, i)),
    lights: readLights(document, tree),
    materials: placed,
    images,
    isEmissive: placed.some(
      (material, i) => used.has(i) && !material.unlit && material.emissive.some((nits) => nits > 0),
    ),
  };
}

function readTree(json: GLTF.IGLTF, sceneIndex: number): NodeTree {
  const order = sceneNodes(json, sceneIndex);
  const nodes = json.nodes ?? [];
  const placeOf = new Int32Array(nodes.length).fill(-1);
  for (const [place, index] of order.entries()) placeOf[index] = place;
  const parents = new Int32Array(order.length).fill(-1);
  const trs = new Float64Array(order.length * 10);
  for (const [place, index] of order.entries()) {
    const node = nodes[index]!;
    for (const child of node.children ?? []) parents[placeOf[child]!] = place;
    trs.set(node.translation ?? [0, 0, 0], place * 10);
    trs.set(node.rotation ?? [0, 0, 0, 1], place * 10 + 3);
    trs.set(node.scale ?? [1, 1, 1], place * 10 + 7);
  }
  return {
    count: order.length,
    parents,
    trs,
    matrices: order.map((index) => nodes[index]!.matrix ?? null),
    weights: order.map(
      (index) => nodes[index]!.weights ?? json.meshes?.[nodes[index]!.mesh ?? -1]?.weights ?? null,
    ),
    placeOf,
  };
}

function readDraws(
  json: GLTF.IGLTF,
  document: Document,
  tree: NodeTree,
  materials: readonly SceneMaterial[],
): readonly Draw[] {
  const meshes = document.getRoot().listMeshes();
  const materialIndex = new Map(
    document
      .getRoot()
      .listMaterials()
      .map((material, i) => [material, i]),
  );
  const defaultMaterial = materials.length - 1;
  const readMesh = (mesh: GltfMesh) =>
    mesh.listPrimitives().flatMap((source) => {
      const material = source.getMaterial();
      const index = material ? materialIndex.get(material)! : defaultMaterial;
      return readPrimitive(source, index, materials[index]!.normalTexture?.texCoord ?? null) ?? [];
    });
  const primitives = new Map<number, readonly Primitive[]>();
  const skins = new Map<number, Skin>();
  const draws: Draw[] = [];
  for (const [index, node] of (json.nodes ?? []).entries()) {
    const place = tree.placeOf[index]!;
    if (place < 0 || node.mesh === undefined) continue;
    if (!primitives.has(node.mesh)) primitives.set(node.mesh, readMesh(meshes[node.mesh]!));
    if (node.skin !== undefined && !skins.has(node.skin))
      skins.set(node.skin, readSkin(document, node.skin, json, tree));
    const skin = node.skin === undefined ? null : skins.get(node.skin)!;
    for (const primitive of primitives.get(node.mesh)!) {
      draws.push({ node: place, primitive, skin: primitive.skinning && skin });
    }
  }
  return draws;
}

function readSkin(document: Document, index: number, json: GLTF.IGLTF, tree: NodeTree): Skin {
  const joints = Int32Array.from(json.skins![index]!.joints, (joint) => tree.placeOf[joint]!);
  if (joints.includes(-1))
    throw new FarmError(
      'SCENE_INVALID',
      `skin ${index} has a joint outside the scene; put its skeleton into the scene`,
    );
  const stored = document.getRoot().listSkins()[index]!.getInverseBindMatrices()?.getArray();
  const inverseBind = new Float64Array(joints.length * 16);
  if (stored && stored.length < inverseBind.length)
    throw new FarmError(
      'SCENE_INVALID',
      `skin ${index} has fewer inverse bind matrices than joints; export it again`,
    );
  if (stored) inverseBind.set(stored.subarray(0, inverseBind.length));
  else for (let joint = 0; joint < joints.length; joint++) inverseBind.set(IDENTITY, joint * 16);
  return { joints, inverseBind };
}
