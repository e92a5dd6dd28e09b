/** Small glTF scenes made by tests: a document builder, and files on disk that go away with the test. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  Document,
  type GLTF,
  Logger,
  type Material,
  type Mesh,
  type Node,
  type Scene,
  type TypedArray,
  Verbosity,
  WebIO,
} from '@gltf-transform/core';
import { ALL_EXTENSIONS } from '@gltf-transform/extensions';
import draco3d from 'draco3dgltf';
import { MeshoptEncoder } from 'meshoptimizer/encoder';
import sharp from 'sharp';

/** A triangle in the plane z = 0, counter-clockwise as seen from +Z, with (0,0) (1,0) (0,1) as corners. */
export const TRIANGLE = [0, 0, 0, 1, 0, 0, 0, 1, 0] as const;

/** A document with one buffer, one scene (the default one) and short ways to fill it. */
export class SceneBuilder {
  readonly document = new Document().setLogger(new Logger(Verbosity.SILENT));
  readonly scene: Scene;

  constructor() {
    this.document.createBuffer();
    this.scene = this.document.createScene('main');
    this.document.getRoot().setDefaultScene(this.scene);
  }

  accessor(type: GLTF.AccessorType, array: TypedArray | readonly number[], isNormalized = false) {
    return this.document
      .createAccessor()
      .setType(type)
      .setArray((Array.isArray(array) ? new Float32Array(array) : array) as never)
      .setNormalized(isNormalized)
      .setBuffer(this.document.getRoot().listBuffers()[0]!);
  }

  /** A mesh of one primitive. Attributes of plain numbers are floats; their type follows from their name. */
  mesh(parts: MeshParts): Mesh {
    const primitive = this.document.createPrimitive().setMode((parts.mode ?? 4) as GLTF.MeshPrimitiveMode);
    for (const [semantic, array] of Object.entries(parts.attributes))
      primitive.setAttribute(semantic, this.accessor(attributeType(semantic), array));
    if (parts.indices) primitive.setIndices(this.accessor('SCALAR', parts.indices));
    if (parts.material) primitive.setMaterial(parts.material);
    return this.document.createMesh(parts.name ?? '').addPrimitive(primitive);
  }

  /** A node of the scene that shows the mesh. */
  show(mesh: Mesh, name = ''): Node {
    const node = this.document.createNode(name).setMesh(mesh);
    this.scene.addChild(node);
    return node;
  }

  /** One animation channel; more channels of the same name join the same animation. */
  animate(node: Node, channel: ChannelParts): this {
    const root = this.document.getRoot();
    const name = channel.animation ?? 'move';
    const animation =
      root.listAnimations().find((known) => known.getName() === name) ?? this.document.createAnimation(name);
    const width = channel.path === 'rotation' ? 'VEC4' : channel.path === 'weights' ? 'SCALAR' : 'VEC3';
    const sampler = this.document
      .createAnimationSampler()
      .setInput(this.accessor('SCALAR', channel.times))
      .setOutput(this.accessor(width, channel.values, channel.isNormalized))
      .setInterpolation(channel.interpolation ?? 'LINEAR');
    animation
      .addSampler(sampler)
      .addChannel(
        this.document
          .createAnimationChannel()
          .setSampler(sampler)
          .setTargetNode(node)
          .setTargetPath(channel.path),
      );
    return this;
  }
}

export interface MeshParts {
  readonly attributes: Readonly<Record<string, TypedArray | readonly number[]>>;
  readonly indices?: TypedArray;
  /** 4 triangles, 5 strip, 6 fan */
  readonly mode?: number;
  readonly material?: Material;
  readonly name?: string;
}

export interface ChannelParts {
  readonly path: 'translation' | 'rotation' | 'scale' | 'weights';
  readonly times: readonly number[];
  readonly values: TypedArray | readonly number[];
  readonly isNormalized?: boolean;
  readonly interpolation?: 'STEP' | 'LINEAR' | 'CUBICSPLINE';
  readonly animation?: string;
}

function attributeType(semantic: string): GLTF.AccessorType {
  if (semantic.startsWith('TEXCOORD')) return 'VEC2';
  if (/^(TANGENT|JOINTS|WEIGHTS|COLOR)/.test(semantic)) return 'VEC4';
  return 'VEC3';
}

/** A folder of scene files that is removed when the test is done with it. */
export interface SceneFolder extends AsyncDisposable {
  readonly folder: string;
  readonly entry: string;
  /** Package path → absolute file. */
  readonly files: Readonly<Record<string, string>>;
}

/** @param files  package path → content; objects are written as JSON. */
export async function writeSceneFolder(
  entry: string,
  files: Readonly<Record<string, Uint8Array | string | object>>,
): Promise<SceneFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'guian-scene-'));
  const paths: Record<string, string> = {};
  for (const [path, content] of Object.entries(files)) {
    paths[path] = join(folder, path);
    await mkdir(dirname(paths[path]), { recursive: true });
    const isRaw = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(paths[path], isRaw ? content : JSON.stringify(content));
  }
  return {
    folder,
    entry,
    files: paths,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Writes a document as `scene.glb`. */
export async function writeGlbFolder(document: Document): Promise<SceneFolder> {
  return writeSceneFolder('scene.glb', { 'scene.glb': await glbOf(document) });
}

export async function glbOf(document: Document): Promise<Uint8Array> {
  return (await sceneWriter()).writeBinary(document);
}

/** @returns JSON and resources by URI, as a .gltf and its neighbours have them. */
export async function gltfOf(
  document: Document,
): Promise<{ json: GLTF.IGLTF; resources: Record<string, Uint8Array> }> {
  return (await sceneWriter()).writeJSON(document);
}

/** Writes every extension, Draco and meshopt compression among them. */
async function sceneWriter(): Promise<WebIO> {
  const [encoder] = await Promise.all([draco3d.createEncoderModule(), MeshoptEncoder.ready]);
  return new WebIO()
    .setLogger(new Logger(Verbosity.SILENT))
    .registerExtensions(ALL_EXTENSIONS)
    .registerDependencies({ 'draco3d.encoder': encoder, 'meshopt.encoder': MeshoptEncoder });
}

/** An image file of one colour, or of the pixels given. */
export async function imageBytes(
  format: 'png' | 'jpeg' | 'webp',
  widthPx: number,
  heightPx: number,
  rgba: readonly number[],
): Promise<Uint8Array> {
  const pixels = new Uint8Array(widthPx * heightPx * 4);
  for (let i = 0; i < pixels.length; i++) pixels[i] = rgba[i % rgba.length]!;
  const image = sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 4 } });
  return image.toFormat(format, { lossless: true }).toBuffer();
}

/** A minimal .gltf as JSON, for files that no writer would write: one triangle with its buffer as a data URI. */
export function triangleJson(): GLTF.IGLTF {
  const bytes = new Uint8Array(new Float32Array(TRIANGLE).buffer);
  return {
    asset: { version: '2.0' },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0 }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 } }] }],
    accessors: [
      { bufferView: 0, componentType: 5126, count: 3, type: 'VEC3', min: [0, 0, 0], max: [1, 1, 0] },
    ],
    bufferViews: [{ buffer: 0, byteLength: 36 }],
    buffers: [{ byteLength: 36, uri: dataUri(bytes) }],
  };
}

export function dataUri(bytes: Uint8Array, mimeType = 'application/octet-stream'): string {
  return `data:${mimeType};base64,${Buffer.from(bytes).toString('base64')}`;
}
