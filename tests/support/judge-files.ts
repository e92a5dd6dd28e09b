/** Judges a scene made of a test's files as the coordinator would, without the thread around it. */
import type { GLTF } from '@gltf-transform/core';
import { expect } from 'vitest';
import { type JudgeRequest, judgeScene } from '#coordinator/judging/judge-scene.js';
import { FarmError } from '#shared/errors.js';
import { triangleJson, writeSceneFolder } from './gltf-scenes.js';

/** Package path → content; the first is the scene file. */
export type Files = Readonly<Record<string, Uint8Array | string | object>>;

export async function judge(files: Files, wanted: JudgeRequest['wanted'] = {}) {
  const entry = Object.keys(files)[0]!;
  await using folder = await writeSceneFolder(entry, files);
  return await judgeScene({ entry, files: folder.files, wanted });
}

/** The error, which must be one line. */
export async function refusal(files: Files, wanted: JudgeRequest['wanted'] = {}): Promise<FarmError> {
  try {
    await judge(files, wanted);
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    expect(error.message).not.toMatch(/[\n\r]/);
    return error;
  }
  throw new Error('nothing was refused');
}

/** `scene.gltf` of one triangle with a change. */
export function changed(change: (json: GLTF.IGLTF) => void): Files {
  const json = triangleJson();
  change(json);
  return { 'scene.gltf': json };
}
