/** Every bound of the farm in one place, with its reason. */
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const LIMITS = {
  /** Above what any film delivers (16K × 8K); keeps one float RGBA frame at 2 GiB, the largest a Buffer takes with ease. */
  framePixelsMax: 2 ** 27,
  frameSidePxMax: 32_768,
  /** Beyond it noise falls below half-float precision. */
  samplesMax: 65_536,
  /** About an hour and a half at 24 fps; a job's frame list stays a small record. */
  framesPerJobMax: 131_072,
  tilesPerFrameMax: 65_536,
  tileSidePxMin: 8,
  tileSidePxMax: 4096,
  maxAttemptsMax: 100,
  /** A week: no tile is worth more than a day, and timers end at 24.8 days. */
  tileTimeLimitMsMax: 7 * 24 * 3_600_000,
  /** Of one tile, those included that were lost and queued again; two bytes per tile in the coordinator. */
  attemptNumberMax: 65_535,
  /** Ten times the farm that is planned for; a heartbeat of one more is dropped. */
  nodesMax: 100_000,
  /** No machine known has more cores; a slot is a thread with its own renderer. */
  slotsPerNodeMax: 1024,
  /** All nodes with all slots that are planned for; a limit above it limits nothing. */
  farmSlotsMax: 10_000_000,
  /** Studios, pools and licences of each that an admin sets, or a licence server reports: all are listed in one answer. */
  settingsMax: 10_000,
  /** Of a node, or asked for by a job. */
  tagsMax: 64,
  poolsPerNodeMax: 64,
  gpusPerNodeMax: 64,
  licencesPerJobMax: 16,
  /** Jobs that one job waits for. */
  dependenciesMax: 100,
  renderersPerNodeMax: 64,
  threadsPerSlotMax: 1024,
  /** Named in a tile's message; a tile has failed for good before more than this many nodes have failed it. */
  avoidedNodesMax: 100,
  troublesPerNodeMax: 64,
  /** Listed in a heartbeat: at most half of what a message may hold, and more than a node with tiles of over 1 ms has. */
  heartbeatAttemptsMax: 16_384,
  /** Jobs that one node works for at a time. */
  jobsPerNodeMax: 10_000,

  /** NATS' default `max_payload` is 1 MiB, headers included. */
  resultPartBytesMax: 1_000_000,
  /** Largest encoded tile: 4096² px × RGBA float. */
  resultBytesMax: 272 * MIB,
  /** Tiles in the queue per job: agents do not idle while the coordinator restarts, yet cancel and re-planning act at once. */
  queuedTilesPerJobMax: 2_000,
  /** nats-server 2.9 is fast with a short queue (measured: consuming 7× slower at a million). */
  queuedTilesMax: 50_000,
  /** Publishes in flight: measured best between 64 and 512. */
  publishWindow: 256,
  /** Encoded results that the collector keeps at hand; the rest are read again from the stream. */
  collectedBytesMax: 512 * MIB,

  packageFilesMax: 10_000,
  packagePathCharsMax: 512,
  packageBytesMax: 64 * GIB,
  /** As JSON: the longest manifest and frame list, and no more when a copy of it is inflated. */
  jobRecordBytesMax: 32 * MIB,
  sceneJsonBytesMax: 256 * MIB,
  /** 16K × 16K; a larger picture is an image bomb as far as one node's memory is concerned. */
  texturePixelsMax: 2 ** 28,
  /** Files that a scene file refers to, together: what Node reads into one buffer and a judge can hold. */
  sceneBytesMax: 2 * GIB - 1,
  /** All accessors of a scene, decoded: a declared `count` in the billions must not become an allocation. */
  sceneAccessorBytesMax: 2 * GIB,
  /** After instancing; 67 million triangles take about 20 GB with their BVH. */
  sceneTrianglesMax: 2 ** 26,
  /** 16K × 8K float RGB is 1.5 GiB; larger environments say nothing more about light. */
  environmentPixelsMax: 2 ** 27,
  uploadChunkBytesMax: MIB,

  logTailCharsMax: 8 * KIB,
  /** With their log tails about 8 MB; one tile may use 100 of them. */
  failedAttemptsPerFrameMax: 1_000,
  /** Of failed tiles, so that bad nodes are told from bad tiles: many times what blocks a node; about 2 MB in all. */
  blamedTilesMax: 10_000,
  blamedTilesPerJobMax: 1_000,
  blamedTriesPerTileMax: 100,
  nameCharsMax: 128,
} as const;

/** Names of things that a user may leave out, and what they get. */
export const DEFAULTS = {
  studio: 'default',
  widthPx: 1920,
  heightPx: 1080,
  samples: 64,
  fps: 24,
  maxAttempts: 4,
  blockAfter: 3,
  quarantineAfter: 2,
  forgiveAfter: '1h',
  coordinatorAddress: '127.0.0.1:7700',
  natsUrl: 'nats://127.0.0.1:4222',
  subjectPrefix: 'guian',
} as const;

/** Times in ms. */
export const TIMES = {
  /** A lease: how long a delivered tile stays with a node that says nothing more. */
  leaseMs: 30_000,
  leaseRenewEveryMs: 10_000,
  /** Without an answer of the bus for so long, an agent aborts tiles that a licence or a limit binds. */
  licenceFenceMs: 10_000,
  heartbeatEveryMs: 1_000,
  nodeLostAfterMs: 3_500,
  /** How long a node waits before it answers a roll call. */
  rollCallAnswerMs: 20,
  /** Calls in flight hang for their whole timeout when the server goes (measured), so it is short and every call is retried. */
  busCallTimeoutMs: 1_500,
  /** One pull of an ordered consumer. The client notices a server that went away after about as long (measured: 45 s with
   * its default of 30 s), and asks anew. */
  pullMs: 2_000,
  dedupeWindowMs: 120_000,
  progressEveryMs: 200,
  grpcDeadlineMs: 15_000,
} as const;
