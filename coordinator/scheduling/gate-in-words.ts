/** Why a job may not run at all now, in words, with what opens the gate. */
import type { FarmJob, Gate } from './farm-model.js';
import { instant } from './in-words.js';
import type { Wait } from './scheduler-view.js';
import { WAYS_OUT } from './ways-out.js';

export function gateInWords({ jobId }: FarmJob, gate: Gate): Wait {
  switch (gate.kind) {
    case 'paused':
      return { kind: 'paused', message: `it is paused: ${WAYS_OUT.resumeJob(jobId)}` };
    case 'start_time':
      return {
        kind: 'start_time',
        need: gate.startAtMs,
        message: `it starts by itself at ${instant(gate.startAtMs)}`,
      };
    case 'dependency':
      return {
        kind: 'dependency',
        subject: gate.jobId,
        message: gate.isHopeless
          ? `job ${gate.jobId} has ended without finishing, so that it waits for ever: ${WAYS_OUT.retryJob(gate.jobId)}, or ${WAYS_OUT.ignoreAfter(jobId)}`
          : `it begins when job ${gate.jobId} is done (${WAYS_OUT.whyJob(gate.jobId)}), or at once: ${WAYS_OUT.ignoreAfter(jobId)}`,
      };
    case 'renderer':
      return {
        kind: 'renderer',
        subject: gate.renderer,
        message: `no node has ${gate.renderer}: install it on one and start its agent again (${WAYS_OUT.addNode})`,
      };
    default:
      throw gate satisfies never;
  }
}
