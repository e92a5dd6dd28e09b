import { expect, test } from 'vitest';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import { nodesText } from './nodes.js';

const NOW_MS = 1_000_000;
const node = (nodeId: string, changes: Partial<Node__Output> = {}): Node__Output => ({
  nodeId,
  state: 'ready',
  slots: 8,
  slotsBusy: 3,
  cores: 8,
  memoryBytes: 2 ** 34,
  memoryUsedBytes: 2 ** 32,
  renderers: [{ name: 'gltf', version: '1.0.0' }],
  sandbox: 'none',
  startedAtMs: NOW_MS - 60_000,
  lastHeartbeatAtMs: NOW_MS - 500,
  hostName: nodeId,
  agentVersion: '0.1.0',
  jobIds: ['shot-1'],
  tilesDone: 12,
  reason: '',
  blockedJobs: [],
  troubles: [],
  pools: [],
  tags: [],
  gpus: [],
  assigned: [],
  ...changes,
});

test('a farm in which all is well is a table and nothing else', () => {
  const lines = nodesText([node('n1'), node('n2')], NOW_MS).split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[1]).toMatch(
    /^n1 {3,}ready +3\/8 +0 +8 +4\.0 GiB \/ 16\.0 GiB +gltf 1\.0\.0 +1 +12 +0\.5s ago +1m00s$/,
  );
});

test('what keeps a node from work stands below the table, with the way out', () => {
  const blockedJobs = [{ jobId: 'shot-1', failures: 3, untilMs: NOW_MS + 3_000_000 }];
  const nodes = [
    node('n1'),
    node('n2', { blockedJobs, troubles: ['job shot-2: DISK_FULL: no space\nleft'] }),
    node('n3', { state: 'quarantined', reason: 'it failed tiles for 2 studios (a, b)' }),
    node('n4', { state: 'lost', reason: 'it has been silent for 3.5 s' }),
  ];
  const [, notes] = nodesText(nodes, NOW_MS).split('\n\n');
  expect(notes!.trimEnd().split('\n')).toEqual([
    'n2: blocked for job shot-1: it failed 3 tiles; for 50m00s if it fails no more',
    'n2: job shot-2: DISK_FULL: no space | left',
    'n2: once it is mended: guian node forgive n2',
    'n3: quarantined: it failed tiles for 2 studios (a, b)',
    'n3: once it is mended: guian node forgive n3',
    'n4: lost: it has been silent for 3.5 s',
  ]);
});

test('a node with very many notes does not flood the terminal', () => {
  const troubles = Array.from({ length: 60 }, (_, index) => `job shot-${index}: DISK_FULL: no space left`);
  const [, notes] = nodesText([node('n1', { troubles })], NOW_MS).split('\n\n');
  expect(notes!.trimEnd().split('\n')).toHaveLength(6);
  expect(notes).toContain('n1: and 55 more: guian nodes --json');
});

test('a wide table has every renderer with its version, and how scenes are kept in', () => {
  const renderers = [
    { name: 'gltf', version: '1.0.0' },
    { name: 'blender', version: '3.4.1+4f4a7cd28cfd.sse41' },
  ];
  const text = nodesText([node('n1', { renderers, sandbox: 'bubblewrap 0.8.0' })], NOW_MS, true);
  expect(text).toMatch(/GPUS +SANDBOX +WORKS FOR +HOST +AGENT +VERSIONS\n/);
  expect(text).toContain('gltf 1.0.0, blender 3.4.1+4f4a7cd28cfd.sse41');
  expect(text).toMatch(/- +bubblewrap 0\.8\.0 +- +n1 +0\.1\.0 +gltf 1/);
});

test('pools, tags and what is assigned are shown where there are any', () => {
  const assigned = [
    { jobId: 'shot-1', slots: 5 },
    { jobId: 'shot-2', slots: 2 },
  ];
  const gpus = [{ name: 'L40S', memoryBytes: 48 * 2 ** 30 }];
  const nodes = [node('n1', { pools: ['film', 'night'], tags: ['big'], assigned, gpus }), node('n2')];
  const [header, first, second] = nodesText(nodes, NOW_MS, true).split('\n');
  expect(header).toMatch(/ASSIGNED +POOLS +TAGS +CORES .* GPUS/);
  expect(first).toMatch(/3\/8 +7 +film,night +big +8 .* L40S 48\.0 GiB .*shot-1:5,shot-2:2/);
  expect(second).toMatch(/3\/8 +0 +- +- +8 .* 1m00s +- +none/);
  expect(nodesText([node('n2')], NOW_MS)).not.toContain('POOLS');
});

test('a release is named once in the table, however many builds and kernels a node has', () => {
  const renderers = [
    { name: 'gltf', version: 'gltf 2+ts-bvh2' },
    { name: 'blender', version: '3.4.1+4f4a.x86-64-v2.px01' },
    { name: 'blender', version: '3.4.1+4f4a.x86-64-v3.px02' },
  ];
  const text = nodesText([node('n1', { renderers })], NOW_MS);
  expect(text).toContain(' gltf 2, blender 3.4.1 (2 versions) ');
  expect(text).not.toContain('4f4a');
  expect(nodesText([node('n1', { renderers })], NOW_MS, true)).toContain('blender 3.4.1+4f4a.x86-64-v3.px02');
});
