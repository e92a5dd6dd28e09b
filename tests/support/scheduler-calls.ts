/** What an admin does over gRPC, as promises; and what nodes are told and do, as seen on the bus. */
import { createHash } from 'node:crypto';
import {
  type Assignment,
  assignmentSchema,
  decodeMessage,
  type Heartbeat,
  heartbeatSchema,
} from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { call } from '#shared/wire/coordinator-client.js';
import type { ControlJobRequest } from '#shared/wire/generated/guian/v1/ControlJobRequest.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobSchedule } from '#shared/wire/generated/guian/v1/JobSchedule.js';
import type { SetLicenceRequest } from '#shared/wire/generated/guian/v1/SetLicenceRequest.js';
import type { SetNodeRequest } from '#shared/wire/generated/guian/v1/SetNodeRequest.js';
import type { SetStudioRequest } from '#shared/wire/generated/guian/v1/SetStudioRequest.js';
import type { WhyJobResponse__Output } from '#shared/wire/generated/guian/v1/WhyJobResponse.js';
import { type FarmAccess, farmCalls, spec } from './farm-calls.js';

const actor = 'test@here';

export function schedulerCalls(farm: FarmAccess) {
  const studio = farmCalls(farm);
  const { bus } = farm;
  return {
    setStudio: (request: SetStudioRequest) =>
      call<unknown>(farm.client, (options, done) =>
        farm.client.admin.setStudio({ ...request, actor }, options, done as never),
      ),
    setLicence: (request: SetLicenceRequest) =>
      call<unknown>(farm.client, (options, done) =>
        farm.client.admin.setLicence({ ...request, actor }, options, done as never),
      ),
    setNode: (request: SetNodeRequest) =>
      call<unknown>(farm.client, (options, done) =>
        farm.client.nodes.set({ ...request, actor }, options, done as never),
      ),
    control: (request: ControlJobRequest) =>
      call<Job__Output>(farm.client, (options, done) =>
        farm.client.jobs.control({ ...request, actor }, options, done as never),
      ),
    why: (jobId: string) =>
      call<WhyJobResponse__Output>(farm.client, (options, done) =>
        farm.client.jobs.why({ jobId }, options, done as never),
      ),
    /** A synthetic job, one frame of a row of 16 px tiles unless it has more. @returns its id. */
    async submit(wanted: {
      readonly name: string;
      readonly tiles: number;
      readonly tileMs: number;
      readonly studio?: string;
      readonly frames?: string;
      readonly schedule?: JobSchedule;
      readonly renderer?: string;
    }): Promise<string> {
      const {
        name,
        tiles,
        tileMs,
        studio: owner = 'studio-a',
        frames = '1',
        renderer = 'synthetic',
      } = wanted;
      const scene = Buffer.from(JSON.stringify({ costMs: 0, waitMs: tileMs }));
      await studio.upload(scene);
      const digest = createHash('sha256').update(scene).digest('hex');
      const submitted = await studio.submit(
        spec({
          ...{ name, studio: owner, frames, tile: '16' },
          manifest: { entry: 's.json', files: [{ path: 's.json', digest, sizeBytes: scene.length }] },
          settings: { renderer, widthPx: 16 * tiles, heightPx: 16, samples: 1, formats: ['exr'] },
          ...(wanted.schedule && { schedule: wanted.schedule }),
        }),
      );
      return submitted.job!.jobId;
    },
    async assignmentOf(nodeId: string): Promise<Assignment> {
      const bucket = await retryCall('open', () => bus.kvm.open(bus.names.assignmentsBucket));
      const entry = await retryCall('read', () => bucket.get(nodeId));
      return entry?.operation === 'PUT' ? decodeMessage(assignmentSchema, entry.value, nodeId) : { jobs: [] };
    },
    /** What nodes said last, kept up with until it is disposed of. */
    listen() {
      const last = new Map<string, Heartbeat>();
      const subscription = bus.connection.subscribe(bus.names.heartbeatsAll, {
        callback: (error, message) => {
          if (error) return;
          const beat = decodeMessage(heartbeatSchema, message.data, 'heartbeat');
          last.set(beat.nodeId, beat);
        },
      });
      return {
        last,
        /** Nodes are asked to speak now. */
        call: () => bus.connection.publish(bus.names.rollCall),
        /** Tiles of a job in the threads of all nodes. */
        rendering: (jobId: string) =>
          [...last.values()]
            .flatMap(({ inHand }) => inHand)
            .reduce((sum, hand) => sum + (hand.jobId === jobId ? (hand.rendering ?? 0) : 0), 0),
        [Symbol.dispose]: () => subscription.unsubscribe(),
      };
    },
  };
}
