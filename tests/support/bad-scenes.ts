/** Scene files that must be refused, each with the words that its one-line error has to contain. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

export interface BadScene {
  readonly title: string;
  readonly file: string;
  /** Extra command-line flags. */
  readonly flags?: readonly string[];
  readonly says: RegExp;
}

type Json = Record<string, unknown>;

const TRIANGLE = new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0]);

function dataUri(bytes: Uint8Array): string {
  return `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`;
}

const asBytes = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** One triangle, as small as glTF allows; `change` spoils it. */
export function triangleScene(
  positions: Float32Array = TRIANGLE,
  change: (json: Json) => Json = (json) => json,
): Json {
  return change({
    asset: { version: '2.0' },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0 }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 } }] }],
    accessors: [
      { bufferView: 0, componentType: 5126, count: 3, type: 'VEC3', min: [0, 0, 0], max: [1, 1, 0] },
    ],
    bufferViews: [{ buffer: 0, byteLength: positions.byteLength }],
    buffers: [{ byteLength: positions.byteLength, uri: dataUri(asBytes(positions)) }],
  });
}

const withBufferUri = (uri: string) =>
  triangleScene(TRIANGLE, (json) => ({ ...json, buffers: [{ byteLength: 36, uri }] }));
const withImage = (uri: string) =>
  triangleScene(TRIANGLE, (json) => ({
    ...json,
    images: [{ uri }],
    textures: [{ source: 0 }],
    materials: [{ pbrMetallicRoughness: { baseColorTexture: { index: 0 } } }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 }, material: 0 }] }],
  }));

function glb(json: Json): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const padded = Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4, 0x20)]);
  const header = Buffer.alloc(20);
  header.writeUInt32LE(0x46546c67, 0);
  header.writeUInt32LE(2, 4);
  header.writeUInt32LE(20 + padded.length, 8);
  header.writeUInt32LE(padded.length, 12);
  header.writeUInt32LE(0x4e4f534a, 16);
  return Buffer.concat([header, padded]);
}

/** Writes every bad scene below `folder`. */
export async function writeBadScenes(folder: string): Promise<BadScene[]> {
  mkdirSync(join(folder, 'scene'), { recursive: true });
  const write = (name: string, content: string | Uint8Array | Json) => {
    const file = join(folder, 'scene', name);
    writeFileSync(
      file,
      content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content),
    );
    return file;
  };
  writeFileSync(join(folder, 'outside.bin'), asBytes(TRIANGLE));
  // 20,000 × 20,000 px of one colour: a few hundred kB that decode to 1.6 GB.
  const bomb = await sharp({
    create: { width: 20_000, height: 20_000, channels: 3, background: 'white' },
    limitInputPixels: false,
  })
    .png({ compressionLevel: 9 })
    .toBuffer();
  write('bomb.png', bomb);
  write('broken.png', 'this is not a picture');
  const good = write('good.gltf', triangleScene());
  return [
    {
      title: 'a missing file',
      file: join(folder, 'scene', 'nowhere.glb'),
      says: /nowhere\.glb.*(not|no such|exist)/i,
    },
    { title: 'a folder', file: folder, says: /folder|directory|not a file/i },
    { title: 'an empty file', file: write('empty.glb', ''), says: /empty|not a glTF/i },
    { title: 'not a glTF', file: write('text.glb', 'hello'), says: /not a usable glTF/i },
    { title: 'JSON that is no glTF', file: write('other.gltf', { hello: 1 }), says: /asset|glTF/i },
    {
      title: 'a truncated GLB',
      file: write('cut.glb', glb(triangleScene()).subarray(0, 60)),
      says: /truncated|ends|length/i,
    },
    {
      title: 'a GLB of another version',
      file: write('v1.glb', glb(triangleScene()).fill(1, 4, 5)),
      says: /version/i,
    },
    {
      title: 'an index out of range',
      file: write(
        'index.gltf',
        triangleScene(TRIANGLE, (json) => ({
          ...json,
          meshes: [{ primitives: [{ attributes: { POSITION: 0 }, indices: 1 }] }],
          accessors: [
            ...(json['accessors'] as Json[]),
            { bufferView: 1, componentType: 5125, count: 3, type: 'SCALAR' },
          ],
          bufferViews: [...(json['bufferViews'] as Json[]), { buffer: 1, byteLength: 12 }],
          buffers: [
            ...(json['buffers'] as Json[]),
            { byteLength: 12, uri: dataUri(new Uint8Array(new Uint32Array([0, 1, 77]).buffer)) },
          ],
        })),
      ),
      says: /index|indices/i,
    },
    {
      title: 'an accessor beyond its buffer',
      file: write(
        'accessor.gltf',
        triangleScene(TRIANGLE, (json) => ({
          ...json,
          accessors: [{ ...(json['accessors'] as Json[])[0], count: 1_000_000_000 }],
        })),
      ),
      says: /accessor|bufferView|fit/i,
    },
    {
      title: 'a reference to a mesh that is not there',
      file: write(
        'mesh.gltf',
        triangleScene(TRIANGLE, (json) => ({ ...json, nodes: [{ mesh: 9 }] })),
      ),
      says: /unresolved|mesh|reference/i,
    },
    { title: 'a missing buffer', file: write('buffer.gltf', withBufferUri('gone.bin')), says: /gone\.bin/ },
    { title: 'a missing texture', file: write('texture.gltf', withImage('gone.png')), says: /gone\.png/ },
    {
      title: 'a URI that climbs out',
      file: write('climb.gltf', withBufferUri('../outside.bin')),
      says: /\.\.\/outside\.bin/,
    },
    {
      title: 'an encoded URI that climbs out',
      file: write('climb2.gltf', withBufferUri('%2e%2e/outside.bin')),
      says: /outside\.bin/,
    },
    {
      title: 'an absolute URI',
      file: write('absolute.gltf', withBufferUri('/etc/hostname')),
      says: /\/etc\/hostname/,
    },
    {
      title: 'a URI on the network',
      file: write('http.gltf', withBufferUri('http://127.0.0.1/x.bin')),
      says: /http/,
    },
    {
      title: 'nodes in a cycle',
      file: write(
        'cycle.gltf',
        triangleScene(TRIANGLE, (json) => ({
          ...json,
          nodes: [{ mesh: 0, children: [1] }, { children: [0] }],
        })),
      ),
      says: /cycle|loop|parent|root/i,
    },
    {
      title: 'positions that are no numbers',
      file: write('nan.gltf', triangleScene(new Float32Array([0, 0, 0, Number.NaN, 0, 0, 0, 1, 0]))),
      says: /NaN|finite|number/i,
    },
    {
      title: 'an image bomb',
      file: write('bomb.gltf', withImage('bomb.png')),
      says: /bomb\.png.*(20000|pixel)/i,
    },
    {
      title: 'a texture that is no picture',
      file: write('notpicture.gltf', withImage('broken.png')),
      says: /broken\.png/,
    },
    {
      title: 'a required extension that nobody has',
      file: write(
        'extension.gltf',
        triangleScene(TRIANGLE, (json) => ({
          ...json,
          extensionsRequired: ['EXT_moonlight'],
          extensionsUsed: ['EXT_moonlight'],
        })),
      ),
      says: /EXT_moonlight/,
    },
    {
      title: 'an unknown camera',
      file: good,
      flags: ['--camera', 'nobody'],
      says: /camera.*nobody|nobody.*camera/i,
    },
    {
      title: 'an unknown scene',
      file: good,
      flags: ['--scene', 'nobody'],
      says: /scene.*nobody|nobody.*scene/i,
    },
    {
      title: 'an unknown animation',
      file: good,
      flags: ['--animation', 'nobody'],
      says: /animation.*nobody|nobody.*animation/i,
    },
    { title: 'a size of nothing', file: good, flags: ['--size', '0x10'], says: /size/i },
    { title: 'an absurd size', file: good, flags: ['--size', '999999x999999'], says: /size|pixel/i },
    { title: 'a size in words', file: good, flags: ['--size', 'large'], says: /size.*large/i },
    { title: 'absurd samples', file: good, flags: ['--samples', '1000000000'], says: /samples/i },
    { title: 'negative samples', file: good, flags: ['--samples', '-1'], says: /samples/i },
    {
      title: 'a range that runs backwards',
      file: good,
      flags: ['--frames', '9-1'],
      says: /frames.*backwards/i,
    },
    { title: 'a range of a billion frames', file: good, flags: ['--frames', '0-9999999'], says: /frames/i },
    { title: 'a range in words', file: good, flags: ['--frames', 'all'], says: /frames.*all/i },
    { title: 'a tile of nothing', file: good, flags: ['--tile', '0'], says: /tile/i },
    {
      title: 'a missing environment',
      file: good,
      flags: ['--env', join(folder, 'gone.hdr')],
      says: /gone\.hdr/,
    },
    {
      title: 'an environment that is no picture',
      file: good,
      flags: ['--env', write('bad.hdr', 'not radiance')],
      says: /bad\.hdr/,
    },
    { title: 'an unknown format', file: good, flags: ['--format', 'bmp'], says: /format.*bmp/i },
    { title: 'an unknown view', file: good, flags: ['--view', 'sepia'], says: /view.*sepia/i },
    { title: 'a flag that does not exist', file: good, flags: ['--sample', '4'], says: /--sample/ },
  ];
}
