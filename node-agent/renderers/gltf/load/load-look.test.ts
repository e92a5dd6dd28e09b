import {
  EXTTextureWebP,
  KHRLightsPunctual,
  KHRMaterialsEmissiveStrength,
  KHRMaterialsUnlit,
  KHRTextureTransform,
} from '@gltf-transform/extensions';
import { writeExr, writeHdr } from 'hdrify';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { glbOf, imageBytes, SceneBuilder, TRIANGLE, writeSceneFolder } from '#tests/support/gltf-scenes.js';
import { corners, loadDocument, loadFolder, rounded } from '#tests/support/load-scene.js';

const S = Math.SQRT1_2;

function withMaterial() {
  const builder = new SceneBuilder();
  const material = builder.document.createMaterial('paint');
  builder.show(
    builder.mesh({ attributes: { POSITION: TRIANGLE, TEXCOORD_0: [0, 0, 1, 0, 0, 1] }, material }),
  );
  return { builder, material };
}

describe('materials', () => {
  it("a primitive without material gets glTF's default", async () => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE } }));
    const { materials, geometry } = await loadDocument(builder.document);
    expect(materials[geometry.materialIds[0]!]).toMatchObject({
      baseColor: [1, 1, 1, 1],
      metallic: 1,
      roughness: 1,
      doubleSided: false,
    });
  });

  it('factors, alpha and sides are read', async () => {
    const { builder, material } = withMaterial();
    material
      .setBaseColorFactor([0.1, 0.2, 0.3, 0.4])
      .setMetallicFactor(0.5)
      .setRoughnessFactor(0.6)
      .setAlphaMode('MASK')
      .setAlphaCutoff(0.7)
      .setDoubleSided(true);
    const { materials } = await loadDocument(builder.document);
    expect(materials[0]).toMatchObject({
      name: 'paint',
      baseColor: [0.1, 0.2, 0.3, 0.4],
      metallic: 0.5,
      roughness: 0.6,
      alphaMode: 'mask',
      alphaCutoff: 0.7,
      doubleSided: true,
      unlit: false,
    });
  });

  it('emissive strength multiplies, and its light leaves the sky out', async () => {
    const { builder, material } = withMaterial();
    const strength = builder.document.createExtension(KHRMaterialsEmissiveStrength).createEmissiveStrength();
    material
      .setEmissiveFactor([1, 0.5, 0])
      .setExtension('KHR_materials_emissive_strength', strength.setEmissiveStrength(40));
    const { materials, environment } = await loadDocument(builder.document);
    expect(materials[0]!.emissive).toEqual([40, 20, 0]);
    expect(environment).toEqual({ kind: 'none' });
  });

  it('unlit is read', async () => {
    const { builder, material } = withMaterial();
    material.setExtension(
      'KHR_materials_unlit',
      builder.document.createExtension(KHRMaterialsUnlit).createUnlit(),
    );
    expect((await loadDocument(builder.document)).materials[0]!.unlit).toBe(true);
  });
});

describe('textures', () => {
  const RGBA = [255, 128, 0, 64];
  it.each([
    ['png', RGBA],
    ['webp', RGBA],
    ['jpeg', [255, 128, 0, 255]],
  ] as const)('a %s is decoded to straight 8-bit RGBA', async (format, expected) => {
    const { builder, material } = withMaterial();
    if (format === 'webp') builder.document.createExtension(EXTTextureWebP).setRequired(true);
    const texture = builder.document
      .createTexture()
      .setImage(await imageBytes(format, 3, 2, format === 'jpeg' ? expected : RGBA))
      .setMimeType(`image/${format}`);
    material.setBaseColorTexture(texture);
    const { images, materials } = await loadDocument(builder.document);
    expect([images[0]!.widthPx, images[0]!.heightPx, images[0]!.data.length]).toEqual([3, 2, 24]);
    expect(images[0]!.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    for (const [i, value] of expected.entries())
      expect(Math.abs(images[0]!.data[i]! - value)).toBeLessThanOrEqual(format === 'jpeg' ? 3 : 0);
    expect(materials[0]!.baseColorTexture).toMatchObject({
      image: 0,
      texCoord: 0,
      filter: 'linear',
      wrapS: 'repeat',
    });
  });

  it.each([
    [
      'grey',
      sharp(Buffer.from([77]), { raw: { width: 1, height: 1, channels: 1 } })
        .toColourspace('b-w')
        .png(),
      [77, 77, 77, 255],
    ],
    [
      '16-bit',
      sharp(new Uint16Array([0x8080, 0x4040, 0xffff]), { raw: { width: 1, height: 1, channels: 3 } })
        .toColourspace('rgb16')
        .png(),
      [128, 64, 255, 255],
    ],
    [
      'palette',
      sharp(Buffer.from([255, 0, 0]), { raw: { width: 1, height: 1, channels: 3 } }).png({ palette: true }),
      [255, 0, 0, 255],
    ],
    [
      'wide-gamut profile',
      sharp(Buffer.from([200, 30, 90]), { raw: { width: 1, height: 1, channels: 3 } })
        .withIccProfile('p3')
        .png(),
      null,
    ],
  ] as const)('a %s PNG is decoded as stored', async (_, image, expected) => {
    const { builder, material } = withMaterial();
    const bytes = await image.toBuffer();
    const stored = expected ?? [...(await sharp(bytes, { ignoreIcc: true }).raw().toBuffer()), 255];
    material.setBaseColorTexture(builder.document.createTexture().setImage(bytes).setMimeType('image/png'));
    expect([...(await loadDocument(builder.document)).images[0]!.data]).toEqual(stored);
  });

  it('images that no material in use refers to are not decoded', async () => {
    const { builder, material } = withMaterial();
    builder.document
      .createTexture()
      .setImage(new Uint8Array([1, 2, 3]))
      .setMimeType('image/png');
    const texture = builder.document
      .createTexture()
      .setImage(await imageBytes('png', 1, 1, RGBA))
      .setMimeType('image/png');
    builder.document.createMaterial().setBaseColorTexture(builder.document.getRoot().listTextures()[0]!);
    material.setEmissiveTexture(texture);
    const { images, materials } = await loadDocument(builder.document);
    expect(images).toHaveLength(1);
    expect(materials[0]!.emissiveTexture!.image).toBe(0);
  });

  it('samplers and texture transforms are read, with the override of the texture coordinates', async () => {
    const { builder, material } = withMaterial();
    material.setBaseColorTexture(
      builder.document
        .createTexture()
        .setImage(await imageBytes('png', 1, 1, RGBA))
        .setMimeType('image/png'),
    );
    const transform = builder.document
      .createExtension(KHRTextureTransform)
      .createTransform()
      .setOffset([0.1, 0.2])
      .setRotation(Math.PI / 2)
      .setScale([2, 3])
      .setTexCoord(1);
    material
      .getBaseColorTextureInfo()!
      .setWrapS(33071)
      .setWrapT(33648)
      .setMagFilter(9728)
      .setExtension('KHR_texture_transform', transform);
    const texture = (await loadDocument(builder.document)).materials[0]!.baseColorTexture!;
    expect(texture).toMatchObject({ texCoord: 1, wrapS: 'clamp', wrapT: 'mirror', filter: 'nearest' });
    // Counter-clockwise as seen, with v pointing down: (1, 0) turns to (0, −1).
    expect(rounded(texture.transform)).toEqual([0, 3, 0.1, -2, 0, 0.2]);
  });
});

describe('lights', () => {
  it('stand and point where their nodes do, and leave the sky out', async () => {
    const { builder } = withMaterial();
    const extension = builder.document.createExtension(KHRLightsPunctual);
    const spot = extension
      .createLight()
      .setType('spot')
      .setColor([1, 0.5, 0.25])
      .setIntensity(7)
      .setRange(30)
      .setInnerConeAngle(0.1)
      .setOuterConeAngle(0.2);
    const sun = extension.createLight().setType('directional').setIntensity(1000);
    const parent = builder.document.createNode().setTranslation([0, 10, 0]).setScale([2, 2, 2]);
    // −90° about x: −Z points down.
    const node = builder.document.createNode().setRotation([-S, 0, 0, S]).setTranslation([1, 0, 0]);
    builder.scene.addChild(parent.addChild(node.setExtension('KHR_lights_punctual', spot)));
    builder.scene.addChild(builder.document.createNode().setExtension('KHR_lights_punctual', sun));
    const { lights, environment } = await loadDocument(builder.document);
    const [first, second] = lights[0]!.kind === 'spot' ? [lights[0]!, lights[1]!] : [lights[1]!, lights[0]!];
    expect(first).toMatchObject({
      kind: 'spot',
      color: [1, 0.5, 0.25],
      intensity: 7,
      range: 30,
      innerConeAngle: 0.1,
      outerConeAngle: 0.2,
    });
    expect(rounded(first.position)).toEqual([2, 10, 0]);
    expect(rounded(first.direction)).toEqual([0, -1, 0]);
    expect(second).toMatchObject({ kind: 'directional', intensity: 1000, range: Number.POSITIVE_INFINITY });
    expect(rounded(second.direction)).toEqual([0, 0, -1]);
    expect(environment).toEqual({ kind: 'none' });
  });
});

describe('cameras', () => {
  function withCameras() {
    const { builder } = withMaterial();
    const perspective = builder.document
      .createCamera('lens')
      .setType('perspective')
      .setYFov(0.8)
      .setZNear(0.1);
    const flat = builder.document
      .createCamera('plan')
      .setType('orthographic')
      .setXMag(4)
      .setYMag(3)
      .setZNear(0.2)
      .setZFar(10);
    builder.scene.addChild(
      builder.document
        .createNode('hero')
        .setCamera(perspective)
        .setTranslation([0, 0, 9])
        .setScale([2, 2, 2]),
    );
    builder.scene.addChild(builder.document.createNode('top').setCamera(flat).setRotation([-S, 0, 0, S]));
    return builder;
  }

  it("the scene's first camera is taken, without its node's scale", async () => {
    const { camera } = await loadDocument(withCameras().document);
    expect(camera).toMatchObject({ kind: 'perspective', yfov: 0.8, znear: 0.1 });
    expect(camera.worldMatrix).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 9, 1]);
  });

  it.each([['top'], ['plan']])('a camera answers to the name of its node and its own: %s', async (name) => {
    const { camera } = await loadDocument(withCameras().document, { camera: name });
    expect(camera).toMatchObject({ kind: 'orthographic', xmag: 4, ymag: 3, znear: 0.2 });
    expect(rounded(camera.worldMatrix.slice(8, 11))).toEqual([0, 1, 0]);
  });

  it('an unknown name is refused with those that exist', async () => {
    await expect(loadDocument(withCameras().document, { camera: 'side' })).rejects.toMatchObject({
      code: 'SCENE_INVALID',
      message: expect.stringContaining('"hero", "top"'),
    });
  });

  it.each([[2], [1], [0.5]])(
    'without a camera everything is in view, and little else, at aspect %f',
    async (aspect) => {
      const { builder } = withMaterial();
      const scene = await loadDocument(builder.document, { widthPx: 100 * aspect, heightPx: 100 });
      const { camera } = scene;
      if (camera.kind !== 'perspective') throw new Error('the default camera is perspective');
      const m = camera.worldMatrix;
      const p = corners(scene);
      const tan = Math.tan(camera.yfov / 2);
      const reach = [0, 3, 6].map((i) => {
        const [x, y, z] = [0, 4, 8].map((axis) =>
          [0, 1, 2].reduce((sum, c) => sum + (p[i + c]! - m[12 + c]!) * m[axis + c]!, 0),
        ) as [number, number, number];
        expect(-z).toBeGreaterThan(camera.znear);
        return Math.max(Math.abs(x / z) / (tan * aspect), Math.abs(y / z) / tan);
      });
      expect(Math.max(...reach)).toBeLessThan(1);
      expect(Math.max(...reach)).toBeGreaterThan(0.6);
    },
  );
});

describe('scenes', () => {
  it('the default scene loads, another by name', async () => {
    const { builder } = withMaterial();
    const second = builder.document.createScene('second');
    const mesh = builder.mesh({ attributes: { POSITION: [0, 0, 7, 1, 0, 7, 0, 1, 7] } });
    second.addChild(builder.document.createNode().setMesh(mesh));
    expect((await loadDocument(builder.document)).bounds.max[2]).toBe(0);
    const scene = await loadDocument(builder.document, { scene: 'second' });
    expect([scene.bounds.max[2], scene.geometry.triangleCount]).toEqual([7, 1]);
    await expect(loadDocument(builder.document, { scene: 'third' })).rejects.toThrow('"main", "second"');
  });
});

describe('environment', () => {
  const image = {
    width: 8,
    height: 2,
    linearColorSpace: 'linear-rec709' as const,
    data: new Float32Array(8 * 2 * 4).map((_, i) => (i % 4 === 3 ? 1 : i < 32 ? 4 : 0.25)),
  };

  it.each([
    ['auto', 'sky'],
    ['white', 'white'],
    ['none', 'none'],
    ['sky', 'sky'],
  ])('%s over a scene without light is %s', async (kind, expected) => {
    const { environment } = await loadDocument(withMaterial().builder.document, { environment: { kind } });
    expect(environment).toEqual({ kind: expected });
  });

  it.each([
    ['hdr', writeHdr(image), 0.01],
    ['exr', writeExr(image), 0.001],
  ] as const)('an .%s is read top row first into shared memory', async (format, bytes, tolerance) => {
    const path = `env/sky.${format}`;
    const glb = await glbOf(withMaterial().builder.document);
    await using folder = await writeSceneFolder('scene.glb', { 'scene.glb': glb, [path]: bytes });
    const { environment } = await loadFolder(folder, { environment: { kind: 'file', path } });
    if (environment.kind !== 'image') throw new Error('an image was asked for');
    expect([environment.widthPx, environment.heightPx, environment.data.length]).toEqual([8, 2, 48]);
    expect(environment.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(Math.abs(environment.data[0]! / 4 - 1)).toBeLessThan(tolerance);
    expect(Math.abs(environment.data[47]! / 0.25 - 1)).toBeLessThan(tolerance);
  });

  it('a missing environment is named', async () => {
    const load = loadDocument(withMaterial().builder.document, {
      environment: { kind: 'file', path: 'no.hdr' },
    });
    await expect(load).rejects.toMatchObject({
      code: 'SCENE_FILE_MISSING',
      message: expect.stringContaining('no.hdr'),
    });
  });
});
