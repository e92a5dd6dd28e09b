import { describe, expect, it } from 'vitest';
import { commonVersion, newestVersion, rendererSet, whatNodesHave } from './renderer-versions.js';

const node = (slots: number, ...keys: string[]) => ({
  slots,
  renderers: keys.map((key) => {
    const [name, version] = key.split(' ') as [string, string];
    return { name, version };
  }),
});

describe('the version that a job is pinned to', () => {
  it('is the one that most slots have, not most nodes', () => {
    const nodes = [node(2, 'blender 4.1'), node(2, 'blender 4.1'), node(8, 'blender 3.4')];
    expect(commonVersion('blender', nodes)).toBe('3.4');
  });

  it('is the newest of those that equally many slots have, by numbers and not by letters', () => {
    const nodes = [node(2, 'blender 3.9.2', 'blender 3.10.0'), node(2, 'blender 3.10.0', 'blender 3.9.2')];
    expect(commonVersion('blender', nodes)).toBe('3.10.0');
    expect(commonVersion('blender', [...nodes].reverse())).toBe('3.10.0');
  });

  it('is that of the newer kernel where all have it, of the older one where more slots have that', () => {
    const [v3, v2] = ['3.4.1+4f.x86-64-v3.glibc2.36.pxa', '3.4.1+4f.x86-64-v2.glibc2.36.pxf'];
    const both = node(2, `blender ${v2}`, `blender ${v3}`);
    expect(commonVersion('blender', [both, both])).toBe(v3);
    expect(commonVersion('blender', [both, node(1, `blender ${v2}`)])).toBe(v2);
  });

  it('is one of the device that is asked for, however many slots have another', () => {
    const [cpu, cuda, optix] = ['4.2+a.x86-64-v3.glibc2.36', '4.2+a.cuda.glibc2.36', '4.2+a.optix.glibc2.36'];
    const nodes = [node(9, `blender ${optix}`, `blender ${cuda}`), node(1, `blender ${cpu}`)];
    expect(commonVersion('blender', nodes)).toBe(cpu);
    expect(commonVersion('blender', nodes, 'gpu')).toBe(optix);
    expect(commonVersion('blender', nodes.slice(1), 'gpu')).toBeUndefined();
  });

  it('is none that a record could not hold', () => {
    const renderers = ['', 'a\nb', '3'.repeat(129)].map((version) => ({ name: 'blender', version }));
    expect(commonVersion('blender', [{ slots: 1, renderers }])).toBeUndefined();
  });

  it('is none when no node with slots has the renderer', () => {
    const nodes = [node(0, 'blender 3.4'), node(4, 'gltf 1')];
    expect(commonVersion('blender', nodes)).toBeUndefined();
    expect(newestVersion('blender', nodes)).toBeUndefined();
    expect(commonVersion('blender', [])).toBeUndefined();
  });
});

it('the newest version is that of any node', () => {
  expect(newestVersion('povray', [node(9, 'povray 3.7.0.8'), node(1, 'povray 3.7.0.10')])).toBe('3.7.0.10');
});

it('sets of renderers are equal in any order, and each list is looked at once', () => {
  const one = node(1, 'gltf 1', 'blender 3').renderers;
  expect(rendererSet(one).text).toBe(rendererSet(node(1, 'blender 3', 'gltf 1').renderers).text);
  expect(rendererSet(one)).toBe(rendererSet(one));
  expect(rendererSet(one).text).not.toBe(rendererSet(node(1, 'gltf 1').renderers).text);
});

it('people are told the other versions, else all renderers, and never an endless list', () => {
  expect(whatNodesHave('blender', [node(1, 'gltf 1', 'blender 4'), node(1, 'blender 3')])).toBe(
    'nodes have blender 3, blender 4',
  );
  expect(whatNodesHave('povray', [node(1, 'gltf 1', 'blender 4')])).toBe('nodes have blender 4, gltf 1');
  expect(whatNodesHave('povray', [node(1)])).toBe('nodes have no renderer at all');
  const many = Array.from({ length: 9 }, (_, index) => `blender ${index}`);
  expect(whatNodesHave('blender', [node(1, ...many)])).toMatch(/blender 5 and 3 more$/);
});
