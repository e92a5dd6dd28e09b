/** The camera and its move: two seconds at 24 frames per second, a crane shot up from the fields towards the campus. */
import type { Document } from '@gltf-transform/core';
import { lookAt, mix3, smoothstep, type Vec3 } from './vector.js';

export const FRAME_COUNT = 48;
export const FRAMES_PER_SECOND = 24;

const FROM = { eye: [48, 42, 172], target: [6, 14, -40] } as const satisfies Record<string, Vec3>;
const TO = { eye: [32, 50, 157], target: [-6, 16, -60] } as const satisfies Record<string, Vec3>;

export interface CameraPose {
  readonly eye: Vec3;
  readonly rotation: readonly [number, number, number, number];
}

/** Eased at both ends, so that the cut does not jolt. */
export function cameraPose(frame: number): CameraPose {
  const t = frame / (FRAME_COUNT - 1);
  const eased = 0.35 * t + 0.65 * smoothstep(0, 1, t);
  const eye = mix3(FROM.eye, TO.eye, eased);
  return { eye, rotation: lookAt(eye, mix3(FROM.target, TO.target, eased)) };
}

/** Adds the camera, its node and the animation: one key per frame, so every frame shows a key. */
export function addCamera(document: Document): void {
  const buffer = document.getRoot().listBuffers()[0];
  const camera = document
    .createCamera('crane')
    .setType('perspective')
    .setYFov(0.68)
    .setAspectRatio(16 / 9)
    .setZNear(0.1)
    .setZFar(20_000);
  const poses = Array.from({ length: FRAME_COUNT }, (_, frame) => cameraPose(frame));
  const node = document
    .createNode('crane')
    .setCamera(camera)
    .setTranslation([...poses[0].eye])
    .setRotation([...poses[0].rotation]);
  document.getRoot().getDefaultScene()?.addChild(node);

  const times = document
    .createAccessor('times')
    .setType('SCALAR')
    .setArray(new Float32Array(poses.map((_, frame) => frame / FRAMES_PER_SECOND)))
    .setBuffer(buffer);
  const animation = document.createAnimation('crane');
  const track = (path: 'translation' | 'rotation', type: 'VEC3' | 'VEC4', values: number[]) => {
    const output = document
      .createAccessor(path)
      .setType(type)
      .setArray(new Float32Array(values))
      .setBuffer(buffer);
    const sampler = document
      .createAnimationSampler()
      .setInput(times)
      .setOutput(output)
      .setInterpolation('LINEAR');
    const channel = document
      .createAnimationChannel()
      .setTargetNode(node)
      .setTargetPath(path)
      .setSampler(sampler);
    animation.addSampler(sampler).addChannel(channel);
  };
  track(
    'translation',
    'VEC3',
    poses.flatMap(({ eye }) => [...eye]),
  );
  track(
    'rotation',
    'VEC4',
    poses.flatMap(({ rotation }) => [...rotation]),
  );
}
