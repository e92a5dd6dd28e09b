import { describe, expect, it } from 'vitest';
import { FarmError } from '../errors.js';
import { traceGltf } from './trace-dependencies.js';

const text = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const scene = (extra: object) => text({ asset: { version: '2.0' }, ...extra });

/** A GLB of the given chunks; `patch` damages its header. */
function glb(
  chunks: readonly (readonly [type: string, bytes: Uint8Array])[],
  patch: (view: DataView) => void = () => {},
) {
  const total = 12 + chunks.reduce((sum, [, bytes]) => sum + 8 + bytes.byteLength, 0);
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  out.set(text('glTF'));
  view.setUint32(4, 2, true);
  view.setUint32(8, total, true);
  let offset = 12;
  for (const [type, bytes] of chunks) {
    view.setUint32(offset, bytes.byteLength, true);
    out.set(text(type.padEnd(4, '\0')), offset + 4);
    out.set(bytes, offset + 8);
    offset += 8 + bytes.byteLength;
  }
  patch(view);
  return out;
}

describe('tracing the files of a scene', () => {
  it.each([
    ['beside the scene', 'scene.gltf', 'rock.png', 'rock.png'],
    ['in a folder', 'scene.gltf', 'maps/rock.png', 'maps/rock.png'],
    ['with percent-encoding', 'scene.gltf', 'my%20rock%23%C3%A9.png', 'my rock#é.png'],
    ['unencoded', 'scene.gltf', 'my rock é.png', 'my rock é.png'],
    ['with a dot segment', 'scene.gltf', './maps/./rock.png', 'maps/rock.png'],
    ['out of a folder and into another', 'scene.gltf', 'a/../maps/rock.png', 'maps/rock.png'],
    ["relative to the scene's folder", 'shots/010/scene.gltf', 'rock.png', 'shots/010/rock.png'],
    ['above the scene but inside the package', 'shots/scene.gltf', '../maps/rock.png', 'maps/rock.png'],
  ])('resolves a file %s', (_, fileName, uri, path) => {
    const traced = traceGltf(fileName, scene({ images: [{ uri, name: 'rock' }] }));
    expect(traced.dependencies).toEqual([{ path, uri, what: 'image 0 "rock"' }]);
  });

  it('lists buffers and images in file order and leaves out what the file holds itself', () => {
    const traced = traceGltf(
      'scene.gltf',
      scene({
        buffers: [
          { byteLength: 1, uri: 'a.bin' },
          { byteLength: 1, uri: 'data:;base64,AA==' },
        ],
        images: [{ bufferView: 0 }, { uri: 'b.png' }],
      }),
    );
    expect(traced.dependencies.map(({ path, what }) => [path, what])).toEqual([
      ['a.bin', 'buffer 0'],
      ['b.png', 'image 1'],
    ]);
    expect(traced.kind).toBe('gltf');
  });

  it('reads a GLB by content, whatever its name, with its binary chunk', () => {
    const traced = traceGltf(
      'scene.gltf',
      glb([
        ['JSON', scene({ buffers: [{ byteLength: 4 }] })],
        ['BIN', new Uint8Array([1, 2, 3, 4])],
      ]),
    );
    expect(traced.kind).toBe('glb');
    expect(traced.binary).toEqual(new Uint8Array([1, 2, 3, 4]));
  });

  it.each([
    ['http', 'http://example.com/rock.png', 'not a file of this package'],
    ['https in disguise', 'https%3A//example.com/rock.png', 'not a file of this package'],
    ['file:', 'file:///etc/passwd', 'not a file of this package'],
    ['a drive', 'C:/rock.png', 'not a file of this package'],
    ['an absolute path', '/etc/passwd', 'absolute path'],
    ['a network path', '//example.com/rock.png', 'absolute path'],
    ['a backslash', 'maps\\rock.png', 'backslash'],
    ['an encoded backslash', '..%5Crock.png', 'backslash'],
    ['dots', '../rock.png', 'leaves the package'],
    ['encoded dots', '%2e%2e%2frock.png', 'leaves the package'],
    ['dots behind a folder', 'maps/../../rock.png', 'leaves the package'],
    ['a NUL', 'rock%00.png', 'no usable file name'],
    ['nothing', '', 'no usable file name'],
  ])('refuses a URI with %s', (_, uri, why) => {
    const error = refusal(() => traceGltf('scene.gltf', scene({ buffers: [{ byteLength: 1, uri }] })));
    expect(error.code).toBe('SCENE_PATH_ESCAPES');
    expect(error.message).toContain(why);
    expect(error.message).toContain('buffer 0');
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'SCENE_INVALID', 'empty'],
    ['another format', text('#?RADIANCE\n'), 'SCENE_INVALID', 'neither'],
    ['JSON that is not glTF', text({ hello: 1 }), 'SCENE_INVALID', 'asset'],
    ['broken JSON', text('{"asset":{"version"'), 'SCENE_INVALID', 'does not parse'],
    ['broken UTF-8', new Uint8Array([0x7b, 0xff, 0xfe]), 'SCENE_INVALID', 'does not parse'],
    ['a missing version', text({ asset: {} }), 'SCENE_INVALID', 'asset.version'],
    ['glTF 1.0', text({ asset: { version: '1.0' } }), 'SCENE_UNSUPPORTED', 'version 1.0'],
    ['a list that is none', scene({ buffers: 3 }), 'SCENE_INVALID', '"buffers" is not a list'],
    ['a URI that is no text', scene({ images: [{ uri: 5 }] }), 'SCENE_INVALID', 'image 0'],
    ['broken percent-encoding', scene({ images: [{ uri: '100%.png' }] }), 'SCENE_INVALID', '%25'],
    ['a GLB cut inside its header', glb([['JSON', scene({})]]).subarray(0, 15), 'SCENE_INVALID', 'truncated'],
    ['a GLB cut inside its data', glb([['JSON', scene({})]]).subarray(0, 30), 'SCENE_INVALID', 'truncated'],
    [
      'a GLB chunk longer than the file',
      glb([['JSON', scene({})]], (view) => view.setUint32(12, 1e9, true)),
      'SCENE_INVALID',
      'does not fit',
    ],
    [
      'a GLB of version 3',
      glb([['JSON', scene({})]], (view) => view.setUint32(4, 3, true)),
      'SCENE_INVALID',
      'version 3',
    ],
    [
      'a GLB of glTF 1',
      glb([['JSON', scene({})]], (view) => view.setUint32(4, 1, true)),
      'SCENE_UNSUPPORTED',
      '1.0',
    ],
    [
      'a GLB with a wrong magic',
      glb([['JSON', scene({})]], (view) => view.setUint8(0, 0x58)),
      'SCENE_INVALID',
      'neither',
    ],
    ['a GLB that starts with binary', glb([['BIN', new Uint8Array(4)]]), 'SCENE_INVALID', 'not JSON'],
    ['a GLB without chunks', glb([]), 'SCENE_INVALID', 'truncated'],
  ])('refuses %s', (_, bytes, code, why) => {
    const error = refusal(() => traceGltf('scene.gltf', bytes as Uint8Array));
    expect(error.code).toBe(code);
    expect(error.message).toContain(why);
    expect(error.message).toContain('scene.gltf');
  });
});

/** The error, which must be one line. */
function refusal(act: () => unknown): FarmError {
  try {
    act();
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    expect(error.message).not.toMatch(/[\n\r]/);
    return error;
  }
  throw new Error('nothing was refused');
}
