/** The commands that explanations name: here alone, so that what people are told to type is what the CLI takes. */
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';

export const WAYS_OUT = {
  resumeJob: (jobId: JobId) => `guian job resume ${jobId}`,
  ignoreAfter: (jobId: JobId) => `guian job resume ${jobId} --ignore-after`,
  retryJob: (jobId: JobId) => `guian job retry ${jobId}`,
  whyJob: (jobId: JobId) => `guian job why ${jobId}`,
  jobPriority: (jobId: JobId, priority: number) => `guian job priority ${jobId} ${priority}`,
  jobMaxSlots: (jobId: JobId, maxSlots: number) => `guian job limit ${jobId} --max-slots ${maxSlots}`,
  anyPool: (jobId: JobId) => `guian job move ${jobId} --any-pool`,
  studioMaxSlots: (studio: Studio, maxSlots: number) => `guian studio set ${studio} --max-slots ${maxSlots}`,
  studioShare: (studio: Studio, share: number) => `guian studio set ${studio} --share ${share}`,
  licenceTotal: (licence: string, total: number) => `guian licence set ${licence} --total ${total}`,
  poolSlots: (pool: string, bound: 'min' | 'max', slots: number) =>
    `guian pool set ${pool} --${bound}-slots ${slots}`,
  addPool: (nodeId: NodeId, pool: string) => `guian node pool ${nodeId} +${pool}`,
  addTags: (nodeId: NodeId, tags: readonly string[]) =>
    `guian node tag ${nodeId} ${tags.map((tag) => `+${tag}`).join(' ')}`,
  resumeNode: (nodeId: NodeId) => `guian node resume ${nodeId}`,
  forgiveNode: (nodeId: NodeId) => `guian node forgive ${nodeId}`,
  addNode: 'guian agent',
  addSlots: 'guian agent --slots',
} as const;
