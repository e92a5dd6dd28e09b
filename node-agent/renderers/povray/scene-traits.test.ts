import { expect, test } from 'vitest';
import { type SourceFile, sceneTraits } from './scene-traits.js';

const traitsOf = (text: string, library: readonly SourceFile[] = []) => {
  const entry = { path: 'a/scene.pov', text };
  return sceneTraits(entry, [entry], library);
};

test.each([
  ['sphere { 0, 1 }', 'none'],
  ['light_source { 5, 1 area_light x, y, 2, 2 jitter }', 'run'],
  ['// jitter', 'none'],
  ['/* a " and /* nested */ jitter */ sphere { 0, 1 }', 'none'],
  ['#debug "jitter // and radiosity"', 'none'],
  ['#declare jitters = 1;', 'none'],
  ['media { scattering { 1, 0.1 } }', 'none'],
  ['media { method 2 }', 'run'],
  ['#version 3.1; media { }', 'run'],
  ['isosurface { evaluate 1, 2, 0.9 }', 'run'],
  ['global_settings { radiosity { } } finish { crand 0.1 }', 'frame'],
])('pixels of `%s` depend on: %s', (text, history) => {
  expect(traitsOf(text).history).toBe(history);
});

test('of a library file only what the scene uses counts, directly or through another declaration', () => {
  const library = [
    {
      path: 'textures.inc',
      text: `#ifndef (T) #declare T = 1;
        #declare Rough = finish { crand 0.1 }
        #declare Wall = texture { finish { Rough } }
        #declare Smooth = finish { phong 1 }
        #macro Save() #declare Name = "x"; #fopen F Name write #fclose F #end
        #end`,
    },
  ];
  expect(traitsOf('sphere { 0, 1 finish { Smooth } }', library)).toMatchObject({
    history: 'none',
    writes: [],
  });
  expect(traitsOf('sphere { 0, 1 texture { Wall } }', library)).toMatchObject({
    history: 'run',
    historyReason: 'crand in textures.inc',
  });
  expect(traitsOf('Save()', library).writes).toEqual(['fopen in textures.inc']);
});

test('a camera is a block, an escape is a file that lies outside, alpha is for 3.7 and later', () => {
  expect(traitsOf('#declare C = camera /* wide */ { angle 90 }').hasCamera).toBe(true);
  expect(traitsOf('#declare camera_height = 1;').hasCamera).toBe(false);
  expect(traitsOf('#include "../b.inc" #include "x/../y.inc"').escapes).toEqual([]);
  expect(traitsOf('#fopen F "/etc/passwd" read #include "../../b.inc" #debug "/etc/x"').escapes).toEqual([
    '/etc/passwd in a/scene.pov',
    '../../b.inc in a/scene.pov',
  ]);
  expect(traitsOf('#version 3.7;').hasAlpha).toBe(true);
  expect(traitsOf('#version 3.6;').hasAlpha).toBe(false);
  expect(traitsOf('').hasAlpha).toBe(false);
});
