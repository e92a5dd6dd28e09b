/**
 * The invariants that must hold when a chaos run is over, whatever was done to it. Each violation is one line.
 * Reads the store's files by themselves, as a person with a disk would, and believes no process.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  endedRecordSchema,
  type FrameResult,
  frameResultSchema,
} from '#coordinator/adapters/store/records.js';
import { gltfRenderer } from '#node-agent/renderers/gltf/renderer.js';
import { syntheticRenderer } from '#node-agent/renderers/synthetic/renderer.js';
import { type JobRecord, jobRecordSchema } from '#shared/domain/job.js';
import { exrChannelName, LAYERS } from '#shared/domain/layers.js';
import { messageOf } from '#shared/errors.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { renderWholeFrame } from '#tests/support/whole-frame.js';
import type { Observer } from './observer.js';
import type { SubmittedJob } from './workload.js';

/** What the bus may hold for a moment after the last job: the reconcile loop comes by every few seconds. */
const BUS_SETTLES_MS = 20_000;

/** Nothing may be left on the bus once every job has ended. */
export async function auditBus({ jsm, names }: Observer): Promise<string[]> {
  const endAtMs = Date.now() + BUS_SETTLES_MS;
  for (;;) {
    const left: string[] = [];
    for (const stream of [names.tilesStream, names.resultsStream, `KV_${names.jobsBucket}`]) {
      const { state } = await jsm.streams.info(stream, { subjects_filter: '>' });
      if (stream.startsWith('KV_')) {
        for (const subject of Object.keys(state.subjects ?? {})) {
          const last = await jsm.streams.getMessage(stream, { last_by_subj: subject });
          if (!last?.header.get('KV-Operation')) left.push(`a job record is left on the bus: ${subject}`);
        }
      } else if (state.messages > 0)
        left.push(
          `${state.messages} messages are left in ${stream}: ${Object.keys(state.subjects ?? {}).slice(0, 3)}`,
        );
    }
    for await (const { name } of jsm.consumers.list(names.tilesStream)) left.push(`consumer ${name} is left`);
    if (left.length === 0 || Date.now() > endAtMs) return left;
    await delay(500);
  }
}

/** Jobs, frames and their pixels, against what was submitted and an undisturbed render of it. */
export async function auditStore(storeDir: string, jobs: readonly SubmittedJob[]): Promise<string[]> {
  const found: string[] = [];
  const references = new Map<string, Promise<Map<string, string>>>();
  const known = new Set(jobs.map(({ jobId }) => jobId));
  const stored = await readdir(join(storeDir, 'jobs'));
  for (const jobId of stored)
    if (!known.has(jobId)) found.push(`job ${jobId} is in the store, and nobody submitted it`);
  for (const job of jobs) {
    if (!stored.includes(job.jobId)) found.push(`job ${job.jobId} is lost: the store does not have it`);
    else found.push(...(await auditJob(join(storeDir, 'jobs', job.jobId), job, references)));
  }
  found.push(...(await auditBlobs(storeDir)));
  return found;
}

async function auditJob(
  folder: string,
  job: SubmittedJob,
  references: Map<string, Promise<Map<string, string>>>,
): Promise<string[]> {
  const found: string[] = [];
  const wrong = (what: string) => found.push(`job ${job.jobId} (${job.kind}): ${what}`);
  try {
    const record = jobRecordSchema.parse(await readJson(join(folder, 'job.json')));
    const frames = await readFrames(folder);
    const ended = await readJson(join(folder, 'ended.json')).then(
      (json) => endedRecordSchema.parse(json),
      () => undefined,
    );
    if (!ended) {
      wrong('it has not ended');
      return found;
    }
    const expected = job.cancelAsked ? ['cancelled', 'finished'] : ['finished'];
    if (!expected.includes(ended.state))
      wrong(`it ended as ${ended.state} instead of ${expected.join(' or ')}`);
    if (ended.state === 'finished') {
      const missing = record.frames.filter((frame) => !frames.some((result) => result.frame === frame));
      if (missing.length > 0) wrong(`it finished without frames ${missing}`);
      if (ended.framesFinished !== record.frames.length)
        wrong(`its end counts ${ended.framesFinished} frames`);
    }
    for (const result of frames) {
      if (!record.frames.includes(result.frame)) wrong(`frame ${result.frame} is none of its frames`);
      for (const flaw of await flawsOfFrame(folder, record, job, result, references))
        wrong(`frame ${result.frame}: ${flaw}`);
    }
    const listed = new Set(
      frames.flatMap((result) => (result.state === 'finished' ? result.files.map(({ name }) => name) : [])),
    );
    for (const name of await readdir(join(folder, 'frames')))
      if (!listed.has(name) && !/^-?\d+\.json$/.test(name))
        wrong(`${name} is in its frames and in no record`);
    const others = (await readdir(folder)).filter(
      (name) => !['job.json', 'ended.json', 'retries.json', 'layouts.json', 'frames'].includes(name),
    );
    if (others.length > 0) wrong(`its folder holds ${others}`);
  } catch (error) {
    wrong(`its records cannot be read (${messageOf(error)})`);
  }
  return found;
}

async function flawsOfFrame(
  folder: string,
  record: JobRecord,
  job: SubmittedJob,
  result: FrameResult,
  references: Map<string, Promise<Map<string, string>>>,
): Promise<string[]> {
  if (result.state !== 'finished') return [`it has ${result.state}: ${result.reason}`];
  const found: string[] = [];
  if (result.tilesDone !== result.tilesTotal)
    found.push(`${result.tilesDone} of ${result.tilesTotal} tiles are done`);
  const formats = result.files.map(({ format }) => format).sort();
  if (String(formats) !== String([...record.settings.formats].sort())) found.push(`its files are ${formats}`);
  for (const file of result.files) {
    const bytes = await readFile(join(folder, 'frames', file.name));
    if (bytes.length !== file.sizeBytes || sha256(bytes) !== file.digest)
      found.push(`${file.name} is not what its record says`);
    if (file.format !== 'exr') continue;
    const key = `${job.kind}/${result.frame}`;
    const reference = references.get(key) ?? undisturbed(record, job, result.frame);
    references.set(key, reference);
    const planes = decodeExr(bytes).planes.map(({ name, data }) => [name, sha256(asBytes(data))] as const);
    const expected = await reference;
    for (const [name, digest] of expected)
      if (planes.find(([plane]) => plane === name)?.[1] !== digest)
        found.push(`channel ${name} of ${file.name} has other pixels than the undisturbed render`);
    if (planes.length !== expected.size)
      found.push(`${file.name} has ${planes.length} channels instead of ${expected.size}`);
  }
  return found;
}

/** The frame in one piece, without a farm. @returns SHA-256 of each channel by its name in the file. */
async function undisturbed(
  record: JobRecord,
  job: SubmittedJob,
  frame: number,
): Promise<Map<string, string>> {
  const { settings } = record;
  const isGltf = settings.renderer === 'gltf';
  // The pattern of a synthetic scene does not depend on what its file says of time and failures.
  const scene = isGltf
    ? { folder: dirname(job.sceneFile), entry: basename(job.sceneFile) }
    : { folder: '', entry: 'pattern' };
  const renderer = isGltf ? gltfRenderer : syntheticRenderer;
  const { layers } = await renderWholeFrame(renderer, scene, { ...settings, syntheticCostMs: 0 }, frame);
  return new Map(
    layers.flatMap((layer) => {
      const { channels } = LAYERS[layer.name];
      return channels.map((channel, at) => {
        const plane = layer.data.filter((_, index) => index % channels.length === at);
        return [exrChannelName(LAYERS[layer.name], channel), sha256(asBytes(plane))] as const;
      });
    }),
  );
}

async function readFrames(folder: string): Promise<FrameResult[]> {
  const names = (await readdir(join(folder, 'frames'))).filter((name) => /^-?\d+\.json$/.test(name));
  return Promise.all(
    names.map(async (name) => frameResultSchema.parse(await readJson(join(folder, 'frames', name)))),
  );
}

async function auditBlobs(storeDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const file of await filesBelow(join(storeDir, 'blobs')))
    if (sha256(await readFile(file)) !== basename(file))
      found.push(`blob ${basename(file)} does not match its digest`);
  return found;
}

/** Once every process has ended: no lock, no half-written file, nothing in TMPDIR, no folder of a dead agent. */
export async function auditFiles(folders: {
  readonly storeDir: string;
  readonly cacheDir: string;
  readonly tmpDir: string;
}): Promise<string[]> {
  const { storeDir, cacheDir, tmpDir } = folders;
  const left = [
    ...(await filesBelow(storeDir)).filter((file) => /\.tmp$|\.part$|\.lock|\/uploads\//.test(file)),
    ...(await filesBelow(cacheDir)).filter((file) => /\.part$|\.tmp|\/scenes\//.test(file)),
    ...(await filesBelow(tmpDir)),
  ];
  return left.map((file) => `${relative(dirname(storeDir), file)} was left behind`);
}

/** Processes that carry the mark of this run in their environment. Zombies have ended. */
export async function auditProcesses(mark: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // Gone meanwhile, or somebody else's.
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (Number(pid) === process.pid || !environment.split('\0').includes(mark)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (command !== '')
      found.push(`process ${pid} still runs: ${command.replaceAll('\0', ' ').slice(0, 120)}`);
  }
  return found;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const asBytes = (data: Uint16Array | Float32Array | Uint32Array): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);
