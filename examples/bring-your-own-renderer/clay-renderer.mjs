/**
 * A renderer of one's own, to copy from: balls of clay that melt into each other, on a floor under a sun, described by a
 * small JSON file. One ES module in plain JavaScript without dependencies; `guian agent --renderer-module` takes it.
 *
 * What the farm expects is in docs/RENDERERS.md. The parts here, in the order of a tile's life: `prepare` (once per node
 * and frame), `open` (once per slot), `render` (once per tile).
 * Source of the shapes: Hart, "Sphere tracing" (1996); Quilez, "smooth minimum" (polynomial).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const SCENE_BYTES_MAX = 2 ** 20;
const BALLS_MAX = 64;
const LAYERS = { beauty: 4, albedo: 3, normal: 3, depth: 1 };
/** Finite, since a result that is not is refused. */
const DEPTH_OF_NOTHING = 1e10;
const FAR = 60;
const STEPS_MAX = 160;
const CLOSE = 1e-4;

export const renderer = {
  name: 'clay',
  // Another number with every change that moves a bit of any picture. This renderer computes with + - * / and square
  // roots alone, which are the same bits on every machine; with Math.sin, append `+v8-${process.versions.v8}`.
  version: '1',

  /**
   * @param {{ scene: { folder: string, entry: string }, settings: object, frame: number }} request
   * @returns what every slot of the node gets for this frame; it crosses threads, so it is plain data.
   */
  async prepare({ scene, settings, frame }) {
    for (const layer of settings.layers)
      if (!Object.hasOwn(LAYERS, layer))
        throw failure(
          'SCENE_UNSUPPORTED',
          `clay has no layer "${layer}": ask for ${Object.keys(LAYERS).join(', ')}`,
        );
    const clay = parseScene(await readSceneText(scene), scene.entry);
    const seconds = frame / settings.fps;
    // Only what this frame needs: the balls are where they are now.
    const balls = clay.balls.map(({ at, moves, ...ball }) => ({
      ...ball,
      at: add(at, scaled(moves, seconds)),
    }));
    return { ...clay, balls };
  },

  /** @param {{ slotMemoryBytes: number, scratchFolder: string }} _slot  neither is needed here. */
  async open(_slot) {
    return {
      async render({ region, settings, frame, prepared }, control) {
        return { layers: renderTile(prepared, region, settings, frame, control) };
      },
      // Sessions that hold processes, files or licences give them back here.
      async close() {},
    };
  },
};

/** An error with a code of Guian's table. `SCENE_…`: no node could render this, so that nobody tries again. */
function failure(code, message, cause) {
  return Object.assign(new Error(message, { cause }), { code });
}

// ---------------------------------------------------------------------------------------------------------- scene file

async function readSceneText({ folder, entry }) {
  let bytes;
  try {
    bytes = await readFile(join(folder, entry));
  } catch (error) {
    throw failure('SCENE_FILE_MISSING', `cannot read ${entry} of the scene package (${error.code})`, error);
  }
  if (bytes.length > SCENE_BYTES_MAX)
    throw failure(
      'SCENE_INVALID',
      `${entry} has ${bytes.length} bytes; a clay scene has at most ${SCENE_BYTES_MAX}`,
    );
  return bytes.toString('utf8');
}

/** Strict: a field that is misspelt must not make another picture. */
function parseScene(text, entry) {
  let json;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const reason = error.message.replace(/\s+/g, ' ').slice(0, 100);
    throw failure('SCENE_INVALID', `${entry} is not JSON (${reason})`, error);
  }
  const invalid = (path, value, what) => {
    const shown = JSON.stringify(value)?.slice(0, 60) ?? 'missing';
    throw failure('SCENE_INVALID', `${entry}: ${path || 'scene'}: ${shown}: ${what}`);
  };
  const scene = sceneReader(invalid)(json, '');
  if (squared(subtract(scene.target, scene.eye)) === 0)
    invalid('target', scene.target, 'it is where the eye is');
  if (squared(scene.sun) === 0) invalid('sun', scene.sun, 'it needs a direction');
  return scene;
}

/** A reader takes a value and its path, and returns what it is or says what is wrong with it. */
function sceneReader(invalid) {
  const { number, triple, list, object } = readers(invalid);
  const place = triple(-100, 100);
  const color = triple(0, 1);
  const ball = object({
    at: [place],
    radius: [number(0.01, 20)],
    color: [color, [0.8, 0.35, 0.2]],
    /** Per second. */
    moves: [place, [0, 0, 0]],
  });
  return object({
    eye: [place],
    target: [place],
    /** Focal length over half the picture's height. */
    zoom: [number(0.1, 20), 2.4],
    /** Towards it. */
    sun: [place, [4, 6, 5]],
    sky: [color, [0.35, 0.5, 0.75]],
    floor: [color, [0.3, 0.29, 0.27]],
    /** Over which distance balls melt into each other. */
    melt: [number(0.01, 5), 0.4],
    balls: [list(ball, BALLS_MAX)],
  });
}

function readers(invalid) {
  const isBetween = (value, min, max) => typeof value === 'number' && value >= min && value <= max;
  const pathOf = (path, key) => (path === '' ? key : `${path}.${key}`);
  return {
    number: (min, max) => (value, path) =>
      isBetween(value, min, max) ? value : invalid(path, value, `it must be a number from ${min} to ${max}`),
    triple: (min, max) => (value, path) => {
      if (!Array.isArray(value) || value.length !== 3 || !value.every((part) => isBetween(part, min, max)))
        invalid(path, value, `it must be three numbers from ${min} to ${max}`);
      return value;
    },
    list: (item, max) => (value, path) => {
      if (!Array.isArray(value) || value.length < 1 || value.length > max)
        invalid(path, value, `it must be a list of 1 to ${max}`);
      return value.map((part, index) => item(part, pathOf(path, index)));
    },
    /** Each field: its reader and its default; without a default it must be there. */
    object: (fields) => (value, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        invalid(path, value, 'it must be an object');
      const names = Object.keys(fields);
      for (const key of Object.keys(value))
        if (!names.includes(key))
          invalid(pathOf(path, key), value[key], `there is no such field; there are ${names.join(', ')}`);
      const read = (name) => {
        const [reader, otherwise] = fields[name];
        const isLeftOut = value[name] === undefined && otherwise !== undefined;
        return isLeftOut ? otherwise : reader(value[name], pathOf(path, name));
      };
      return Object.fromEntries(names.map((name) => [name, read(name)]));
    },
  };
}

// --------------------------------------------------------------------------------------------------------------- tile

/** A pixel's value depends on the scene, the settings, the frame and the pixel: never on the tile around it. */
function renderTile(scene, region, settings, frame, control) {
  const [width, height] = [region.x1 - region.x0, region.y1 - region.y0];
  const layers = settings.layers.map((name) => ({
    name,
    data: new Float32Array(width * height * LAYERS[name]),
  }));
  const camera = cameraOf(scene, settings);
  const { samples } = settings;
  for (let pixel = 0; pixel < width * height; pixel++) {
    const x = region.x0 + (pixel % width);
    const y = region.y0 + Math.floor(pixel / width);
    const sums = { beauty: [0, 0, 0, 0], albedo: [0, 0, 0], normal: [0, 0, 0], depth: [DEPTH_OF_NOTHING] };
    const random = randomOf(x, y, frame, settings.seed);
    for (let sample = 0; sample < samples; sample++) {
      // At least every 100 ms or so. It costs next to nothing, so rather too often; what it throws is let through.
      if (control.isCancelled()) throw failure('RENDER_CANCELLED', 'the tile was cancelled');
      addSample(sums, scene, camera, camera.direction(x + random(), y + random()));
    }
    control.progress((pixel + 1) / (width * height));
    for (const { name, data } of layers) {
      const [size, scale] = [LAYERS[name], name === 'depth' ? 1 : 1 / samples];
      for (let channel = 0; channel < size; channel++)
        data[pixel * size + channel] = sums[name][channel] * scale;
    }
  }
  return layers;
}

/** Scene-linear, alpha premultiplied. Depth is the nearest along the view; of nothing, very far. */
function addSample(sums, scene, camera, direction) {
  const distance = march(scene, scene.eye, direction);
  if (distance === undefined) {
    const level = 0.8 + 0.2 * Math.max(0, direction[1]);
    accumulate(sums.beauty, [...scaled(scene.sky, level), 1]);
    return;
  }
  const point = add(scene.eye, scaled(direction, distance));
  const normal = normalAt(scene, point);
  const albedo = colorAt(scene, point);
  const sun = unit(scene.sun);
  const facing = Math.max(0, dot(normal, sun));
  const isLit = facing > 0 && march(scene, add(point, scaled(normal, 0.01)), sun) === undefined;
  const light = add(scaled(scene.sky, 0.5 + 0.5 * normal[1]), scaled([1.5, 1.35, 1.1], isLit ? facing : 0));
  accumulate(sums.beauty, [albedo[0] * light[0], albedo[1] * light[1], albedo[2] * light[2], 1]);
  accumulate(sums.albedo, albedo);
  accumulate(sums.normal, normal);
  sums.depth[0] = Math.min(sums.depth[0], distance * dot(direction, camera.forward));
}

/** Pixels are square; y runs down in the picture and up in the scene. */
function cameraOf({ eye, target, zoom }, { widthPx, heightPx }) {
  const forward = unit(subtract(target, eye));
  const isUpright = forward[0] !== 0 || forward[2] !== 0;
  const right = unit(cross(forward, isUpright ? [0, 1, 0] : [0, 0, 1]));
  const up = cross(right, forward);
  const direction = (x, y) => {
    const across = (2 * x - widthPx) / heightPx;
    const upwards = 1 - (2 * y) / heightPx;
    return unit(add(scaled(forward, zoom), add(scaled(right, across), scaled(up, upwards))));
  };
  return { forward, direction };
}

// ------------------------------------------------------------------------------------------------------------- shapes

/** @returns the distance to the first surface, or undefined. */
function march(scene, from, direction) {
  let distance = 0;
  for (let step = 0; step < STEPS_MAX && distance < FAR; step++) {
    const gap = gapAt(scene, add(from, scaled(direction, distance)));
    if (gap < CLOSE) return distance;
    distance += gap;
  }
  return undefined;
}

/** To the nearest surface, at most; negative inside. */
const gapAt = (scene, point) => Math.min(point[1], clayGap(scene, point));

function clayGap({ balls, melt }, point) {
  let gap = FAR;
  for (const { at, radius } of balls) {
    const other = Math.sqrt(squared(subtract(point, at))) - radius;
    const overlap = Math.max(0, melt - Math.abs(gap - other)) / melt;
    gap = Math.min(gap, other) - 0.25 * overlap * overlap * melt;
  }
  return gap;
}

function normalAt(scene, [x, y, z]) {
  const step = 1e-3;
  return unit([
    gapAt(scene, [x + step, y, z]) - gapAt(scene, [x - step, y, z]),
    gapAt(scene, [x, y + step, z]) - gapAt(scene, [x, y - step, z]),
    gapAt(scene, [x, y, z + step]) - gapAt(scene, [x, y, z - step]),
  ]);
}

/** Clay has the colours of the balls around, the nearest most of all. */
function colorAt(scene, point) {
  if (point[1] < clayGap(scene, point)) return scene.floor;
  let total = 0;
  let sum = [0, 0, 0];
  for (const { at, radius, color } of scene.balls) {
    const gap = Math.max(0, Math.sqrt(squared(subtract(point, at))) - radius);
    const near = 1 / (0.01 + gap * gap);
    total += near;
    sum = add(sum, scaled(color, near));
  }
  return scaled(sum, 1 / total);
}

// ------------------------------------------------------------------------------------------------------------ numbers

/** @returns numbers from 0 to 1 of the pixel's own: no state that tiles could share. */
function randomOf(x, y, frame, seed) {
  let state = 0x9e3779b9;
  for (const part of [x, y, frame, seed]) state = mixed(state ^ part);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    return (mixed(state) >>> 0) / 2 ** 32;
  };
}

/** Every bit of the integer moves every bit of the result. Source: Wellons' "hash prospector", lowbias32. */
function mixed(value) {
  let bits = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return bits ^ (bits >>> 16);
}

const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const subtract = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const scaled = (a, by) => [a[0] * by, a[1] * by, a[2] * by];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const squared = (a) => dot(a, a);
const unit = (a) => scaled(a, 1 / Math.sqrt(squared(a)));
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

function accumulate(sum, values) {
  for (let index = 0; index < sum.length; index++) sum[index] += values[index];
}
