/**
 * Which files of the store belong to nobody, from its listing: what a killed coordinator, a broken upload or a package
 * that was never submitted left behind. Pure functions over names; the age of a file is judged by `isOverdue`.
 *
 * Whatever is not recognised by its whole name is somebody else's, and is only named.
 */
export type OrphanKind = 'blob' | 'upload' | 'temporary file' | 'frame file' | 'job folder';

export interface Orphan {
  /** Relative to the store, with `/`. */
  readonly path: string;
  readonly kind: OrphanKind;
}

export interface Findings {
  readonly orphans: readonly Orphan[];
  /** Paths that are none of the farm's. */
  readonly foreign: readonly string[];
}

/** What the farm knows of a job whose record could be read. */
export interface JobOutputs {
  /** Output files are called `<baseName>.<frame>.<extension>`. */
  readonly baseName: string;
  /** Endings of output files, dot included. */
  readonly extensions: readonly string[];
  /** A live job's frames may be written this moment: then all of them stay. */
  readonly hasEnded: boolean;
  /** Of an ended job: frames whose record says that they failed, and that therefore have no files. */
  readonly failedFrames: ReadonlySet<number>;
}

const DIGEST = /^[0-9a-f]{64}$/;
/** Names of durable-file.ts, write-frame.ts and store-lock.ts. */
const TEMPORARY = [/^[^/]+\.\d+\.\d+\.tmp$/, /^\.[^/]+\.[0-9a-f]{12}\.tmp$/];
const LOCK_TEMPORARY = /^coordinator\.lock\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const RECORDS = new Set(['job.json', 'ended.json', 'retries.json', 'layouts.json']);
/** Of `newJobId`: an empty folder of any other name is somebody's. */
const JOB_FOLDER = /^jobs\/[a-z0-9_-]+-[2-9a-hjkmnp-z]{6}\/$/;
const FRAME_RECORD = /^-?\d+\.json$/;
const OWN_FOLDERS = new Set(['jobs/', 'nodes/', 'admin/', 'uploads/', 'blobs/', 'blobs/sha256/']);
const OWN_FILES = new Set(['coordinator.lock', 'nodes/blame.json', 'admin/journal.jsonl']);

export function isTemporary(name: string): boolean {
  return TEMPORARY.some((pattern) => pattern.test(name));
}

/**
 * @param paths everything in the store but the insides of `jobs/`; folders end in `/`.
 * @param isReferenced whether some job's package has the blob; nothing when that is not known of all jobs.
 */
export function sharedOrphans(
  paths: Iterable<string>,
  isReferenced: ((digest: string) => boolean) | undefined,
): Findings {
  const orphans: Orphan[] = [];
  const foreign: string[] = [];
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const folder = path.slice(0, path.length - name.length);
    if (OWN_FOLDERS.has(path) || OWN_FILES.has(path)) continue;
    if (LOCK_TEMPORARY.test(path) || (folder === 'nodes/' && isTemporary(name)))
      orphans.push({ path, kind: 'temporary file' });
    else if (folder === 'uploads/' && name.endsWith('.part') && DIGEST.test(name.slice(0, -'.part'.length)))
      orphans.push({ path, kind: 'upload' });
    else if (/^blobs\/sha256\/[0-9a-f]{2}\/$/.test(path)) continue;
    else if (DIGEST.test(name) && folder === `blobs/sha256/${name.slice(0, 2)}/`) {
      if (isReferenced && !isReferenced(name)) orphans.push({ path, kind: 'blob' });
    } else foreign.push(path);
  }
  return { orphans, foreign };
}

/**
 * @param folder e.g. `jobs/valley-x2/`
 * @param paths  everything below it, by the whole path.
 * @param job    nothing when the farm has no record of it.
 */
export function jobOrphans(folder: string, paths: readonly string[], job: JobOutputs | undefined): Findings {
  if (!job) return unknownJobOrphans(folder, paths);
  const orphans: Orphan[] = [];
  const foreign: string[] = [];
  const recorded = new Set(
    paths.flatMap((path) => {
      const name = path.slice(`${folder}frames/`.length);
      return path.startsWith(`${folder}frames/`) && FRAME_RECORD.test(name)
        ? [Number.parseInt(name, 10)]
        : [];
    }),
  );
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const parent = path.slice(0, path.length - name.length);
    const isInFrames = parent === `${folder}frames/`;
    if (path === `${folder}frames/` || (parent === folder && RECORDS.has(name))) continue;
    if (isInFrames && FRAME_RECORD.test(name)) continue;
    if ((isInFrames || parent === folder) && isTemporary(name)) {
      orphans.push({ path, kind: 'temporary file' });
      continue;
    }
    const frame = isInFrames ? frameOfOutput(name, job) : undefined;
    if (frame === undefined) foreign.push(path);
    // A record that cannot be read is not known to have failed: its file stays.
    else if (job.hasEnded && (!recorded.has(frame) || job.failedFrames.has(frame)))
      orphans.push({ path, kind: 'frame file' });
  }
  return { orphans, foreign };
}

/** A submit that was killed leaves a folder without a record, and of no job was anybody told before it had one. */
function unknownJobOrphans(folder: string, paths: readonly string[]): Findings {
  // Damaged, or set aside by an admin: it says what the rest is.
  if (paths.includes(`${folder}job.json`)) return { orphans: [], foreign: [] };
  const isLeftover = (path: string) =>
    path === `${folder}frames/` || isTemporary(path.slice(path.lastIndexOf('/') + 1));
  const foreign = paths.filter((path) => !isLeftover(path));
  if (foreign.length > 0 || !JOB_FOLDER.test(folder)) return { orphans: [], foreign: [folder] };
  return { orphans: [{ path: folder, kind: 'job folder' }], foreign: [] };
}

/** Frame number of an output file of the job; nothing for any other name. */
export function frameOfOutput(name: string, { baseName, extensions }: JobOutputs): number | undefined {
  if (!name.startsWith(`${baseName}.`)) return undefined;
  const [, digits, extension] = /^(-?\d{4,})(\..+)$/.exec(name.slice(baseName.length + 1)) ?? [];
  return digits !== undefined && extensions.includes(extension!) ? Number.parseInt(digits, 10) : undefined;
}

/**
 * Whether an orphan may go: a submit that is under way, or an upload that was interrupted, still wants what it brought.
 * The file of a frame that has no record is nobody's from the moment its job has ended.
 */
export function isOverdue({ kind }: Orphan, lastUsedAtMs: number, nowMs: number, graceMs: number): boolean {
  return kind === 'frame file' || nowMs - lastUsedAtMs > graceMs;
}
