/**
 * A renderer that is a program of its own: what it is started with, how it is kept in, and what is known of it while it
 * runs. It may read its package, write its scratch folder, and it never outlives the thread that started it.
 */

/** One installed program, as configuration or the search path has it. */
export interface Installation {
  /** e.g. `blender` */
  readonly name: string;
  /** Version, build and kernel, e.g. `3.4.1+1a2b3c4d5e6f.x86-64-v3.glibc2.36`; equal text promises equal pixels. */
  readonly version: string;
  /** Absolute path. */
  readonly executable: string;
}

export type Sandbox = 'bubblewrap' | 'none';

/** All that a node has beside its own code. Plain data: every thread gets it. */
export interface Programs {
  readonly installations: readonly Installation[];
  readonly sandbox: Sandbox;
  /** Files of renderers that the node's admin added, each an ES module that exports `renderer`. */
  readonly modules: readonly string[];
}

export const NO_PROGRAMS: Programs = { installations: [], sandbox: 'none', modules: [] };

export interface ProgramRequest {
  readonly executable: string;
  readonly args: readonly string[];
  /** Its whole environment beside PATH, HOME and TMPDIR, which are the scratch folder's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly sandbox: Sandbox;
  /** Folders that it may read, beside the system's own programs and libraries. */
  readonly readableFolders: readonly string[];
  /** It may use the machine's GPUs. */
  readonly usesGpus?: boolean;
  /** The one folder that it may write; also its working folder. */
  readonly scratchFolder: string;
  /** Resident memory of the program and its children; above it the program is killed. */
  readonly memoryBytesMax: number;
  /** Largest file that it may write. */
  readonly fileBytesMax: number;
  /**
   * Whatever it writes to descriptor 3, one JSON value per line; all of it comes before `exited`. A line that is no JSON
   * or has no end, and a handler that throws, end the program with the reason.
   */
  readonly onMessage?: (message: unknown) => void;
}

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Killed by us since its memory went over the limit: what it had then. */
  readonly excessBytes?: number;
  /** One line: why it could not be started (code and signal are null then), or why we killed it. Absent after `kill()`. */
  readonly reason?: string;
}

export interface ProgramUse {
  /** User and system time of the program and its children since it started. */
  readonly coreSeconds: number;
  readonly memoryBytes: number;
  readonly peakMemoryBytes: number;
}

export interface RunningProgram {
  /** 0: it could not be started. */
  readonly pid: number;
  /** One JSON value as a line on its standard input. */
  send(message: unknown): void;
  /** Its standard input ends. */
  end(): void;
  /** SIGKILL for it and every process it started. */
  kill(): void;
  use(): ProgramUse;
  /** The last of what it wrote to standard output and standard error, at most LIMITS.logTailCharsMax. */
  logTail(): string;
  /** Never rejects; resolves when it is gone with all its children. */
  readonly exited: Promise<ProgramExit>;
}
