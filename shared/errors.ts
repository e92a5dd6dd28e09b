/**
 * The farm's operating errors: one table of codes, each with its gRPC status and whether trying again can help.
 * Outcomes ("nothing to render") are return values and bugs are `invariant`s; neither is in this table.
 */
export const ERROR_CODES = {
  // The request itself is wrong.
  USAGE_INVALID: { status: 'INVALID_ARGUMENT', retry: 'after fixing the request' },
  CONFIG_INVALID: { status: 'INVALID_ARGUMENT', retry: 'after fixing the configuration' },
  JOB_SPEC_INVALID: { status: 'INVALID_ARGUMENT', retry: 'after fixing the request' },
  SCENE_INVALID: { status: 'INVALID_ARGUMENT', retry: 'after fixing the scene' },
  SCENE_UNSUPPORTED: { status: 'INVALID_ARGUMENT', retry: 'after changing the scene' },
  SCENE_FILE_MISSING: { status: 'INVALID_ARGUMENT', retry: 'after adding the file' },
  SCENE_PATH_ESCAPES: { status: 'INVALID_ARGUMENT', retry: 'after fixing the scene' },
  SCENE_NEEDS_SCRIPTS: { status: 'FAILED_PRECONDITION', retry: 'once the studio may run scripts' },
  IMAGE_INVALID: { status: 'INVALID_ARGUMENT', retry: 'after fixing the picture' },
  MESSAGE_INVALID: { status: 'INVALID_ARGUMENT', retry: 'no' },
  // Something is not there, or is there already.
  JOB_NOT_FOUND: { status: 'NOT_FOUND', retry: 'no' },
  FRAME_NOT_FOUND: { status: 'NOT_FOUND', retry: 'once the frame is finished' },
  NODE_NOT_FOUND: { status: 'NOT_FOUND', retry: 'no' },
  SETTING_NOT_FOUND: { status: 'NOT_FOUND', retry: 'no' },
  BLOB_NOT_FOUND: { status: 'NOT_FOUND', retry: 'no' },
  IDEMPOTENCY_KEY_REUSED: { status: 'ALREADY_EXISTS', retry: 'with another key' },
  JOB_ALREADY_FINISHED: { status: 'FAILED_PRECONDITION', retry: 'only once state has changed' },
  NOTHING_TO_RETRY: { status: 'FAILED_PRECONDITION', retry: 'only once a frame has failed' },
  STILL_IN_USE: { status: 'FAILED_PRECONDITION', retry: 'once nothing uses it' },
  BLOBS_MISSING: { status: 'FAILED_PRECONDITION', retry: 'after uploading them' },
  UPLOAD_OFFSET_MISMATCH: { status: 'FAILED_PRECONDITION', retry: 'from the offset that MissingBlobs gives' },
  // The machinery cannot do it now.
  BUS_UNAVAILABLE: { status: 'UNAVAILABLE', retry: 'same call, with backoff' },
  BUS_CONFLICT: { status: 'FAILED_PRECONDITION', retry: 'after removing the other stream' },
  COORDINATOR_UNAVAILABLE: { status: 'UNAVAILABLE', retry: 'same call, with backoff' },
  SETTINGS_FULL: { status: 'RESOURCE_EXHAUSTED', retry: 'after removing one' },
  QUEUE_FULL: { status: 'RESOURCE_EXHAUSTED', retry: 'same call, with backoff' },
  FILE_UNWRITABLE: { status: 'FAILED_PRECONDITION', retry: 'after making the folder writable' },
  DISK_FULL: { status: 'RESOURCE_EXHAUSTED', retry: 'after freeing space' },
  STORE_LOCKED: { status: 'FAILED_PRECONDITION', retry: 'after stopping the other coordinator' },
  PORT_TAKEN: { status: 'UNAVAILABLE', retry: 'with another port' },
  RENDERER_MISSING: { status: 'FAILED_PRECONDITION', retry: 'once a node has it' },
  TOOL_MISSING: { status: 'FAILED_PRECONDITION', retry: 'after installing it' },
  // Rendering and what comes of it.
  RENDER_FAILED: { status: 'INTERNAL', retry: 'new attempt' },
  TILE_TIME_LIMIT: { status: 'DEADLINE_EXCEEDED', retry: 'new attempt' },
  TILE_STALLED: { status: 'DEADLINE_EXCEEDED', retry: 'new attempt' },
  TILE_MEMORY_LIMIT: { status: 'RESOURCE_EXHAUSTED', retry: 'new attempt on another node' },
  NODE_LOST: { status: 'UNAVAILABLE', retry: 'new attempt on another node' },
  RENDER_CANCELLED: { status: 'CANCELLED', retry: 'no' },
  TILE_CHECKSUM_MISMATCH: { status: 'DATA_LOSS', retry: 'new attempt on another node' },
  TILE_MISSING: { status: 'INTERNAL', retry: 'new attempt' },
  TILE_OVERLAP: { status: 'INTERNAL', retry: 'no' },
  BLOB_CORRUPT: { status: 'DATA_LOSS', retry: 'upload or download again' },
} as const satisfies Record<string, { status: string; retry: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;
export type ErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>;

/** An operating error. Programs branch on `code`; `message` is one line for people, with the cause and the way out. */
export class FarmError extends Error {
  override readonly name = 'FarmError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
    options: { cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = details;
  }
}

/** The one-line message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The code of anything thrown; undefined where it has none of the table. Renderers that are modules of an admin's throw
 * plain errors with a `code`, since they do not have our class.
 */
export function errorCodeOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined;
}
