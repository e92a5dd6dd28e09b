/**
 * Damage to the files that nats-server keeps of JetStream, as a broken disk, a power cut or a careless restore leaves
 * them. The server must not run meanwhile. Files (2.9 and later): `jetstream/$G/streams/<stream>/` with `meta.inf`,
 * `msgs/*.blk` (messages), `msgs/*.idx`, `*.fss` or `index.db` (indexes), `obs/<consumer>/o.dat` (what it delivered).
 */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join, sep } from 'node:path';

/** @param storeDir what nats-server was given as its store. @param random in [0, 1). */
export type Damage = (storeDir: string, random: () => number) => void;

export const STREAMS = {
  tiles: 'TEST_TILES',
  results: 'TEST_RESULTS',
  events: 'TEST_EVENTS',
  assignments: 'KV_test_assignments',
  jobs: 'KV_test_jobs',
} as const;
export type StreamOfFarm = keyof typeof STREAMS;

const streamsDir = (storeDir: string) => join(storeDir, 'jetstream', '$G', 'streams');

export const wiped: Damage = (storeDir) => rmSync(storeDir, { recursive: true });

export const streamRemoved =
  (stream: StreamOfFarm): Damage =>
  (storeDir) =>
    rmSync(join(streamsDir(storeDir), STREAMS[stream]), { recursive: true });

/** What is written last is what a power cut takes. @param kept of each block file, 0 to 1. */
export const blocksCut =
  (kept: number): Damage =>
  (storeDir) => {
    for (const file of files(storeDir, /\.blk$/)) truncateSync(file, Math.floor(statSync(file).size * kept));
  };

/** One bit of each block file of some streams. */
export const bitFlipped =
  (...streams: readonly StreamOfFarm[]): Damage =>
  (storeDir, random) => {
    for (const stream of streams)
      for (const file of files(storeDir, /\.blk$/, STREAMS[stream])) {
        const bytes = readFileSync(file);
        if (bytes.length === 0) continue;
        const at = Math.floor(random() * bytes.length);
        bytes[at]! ^= 1 << Math.floor(random() * 8);
        writeFileSync(file, bytes);
      }
  };

export const indexesRemoved: Damage = (storeDir) => {
  for (const file of files(storeDir, /\.(idx|fss)$|index\.db$/)) rmSync(file);
};

/** The description of a stream ends in its middle. */
export const metaCut =
  (stream: StreamOfFarm): Damage =>
  (storeDir) => {
    const file = join(streamsDir(storeDir), STREAMS[stream], 'meta.inf');
    truncateSync(file, Math.floor(statSync(file).size / 2));
  };

/** What every consumer remembers of its deliveries. */
export const consumersGarbled: Damage = (storeDir, random) => {
  for (const file of files(storeDir, /o\.dat$/)) {
    const bytes = Uint8Array.from({ length: 64 }, () => Math.floor(random() * 256));
    writeFileSync(file, bytes);
  }
};

/** An older copy takes the store's place. */
export const rolledBack =
  (copyDir: string): Damage =>
  (storeDir) => {
    rmSync(storeDir, { recursive: true });
    cpSync(copyDir, storeDir, { recursive: true });
  };

/** What a server that is still running has on disk at one instant. */
export function copyOfStore(storeDir: string, copyDir: string, serverPid: number): void {
  process.kill(serverPid, 'SIGSTOP');
  try {
    cpSync(storeDir, copyDir, { recursive: true });
  } finally {
    process.kill(serverPid, 'SIGCONT');
  }
}

/** mulberry32: a test that fails names its seed, which breaks the same bits again. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

function files(storeDir: string, wanted: RegExp, stream?: string): string[] {
  const folder = streamsDir(storeDir);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => wanted.test(path) && (stream === undefined || path.split(sep)[0] === stream))
    .map((path) => join(folder, path))
    .sort();
}
