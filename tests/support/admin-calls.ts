/** What an admin does over gRPC, as promises. */
import { call } from '#shared/wire/coordinator-client.js';
import type { ControlJobRequest } from '#shared/wire/generated/guian/v1/ControlJobRequest.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { Licence__Output } from '#shared/wire/generated/guian/v1/Licence.js';
import type { ListJournalResponse__Output } from '#shared/wire/generated/guian/v1/ListJournalResponse.js';
import type { ListLicencesResponse__Output } from '#shared/wire/generated/guian/v1/ListLicencesResponse.js';
import type { ListPoolsResponse__Output } from '#shared/wire/generated/guian/v1/ListPoolsResponse.js';
import type { ListStudiosResponse__Output } from '#shared/wire/generated/guian/v1/ListStudiosResponse.js';
import type { Node__Output } from '#shared/wire/generated/guian/v1/Node.js';
import type { Pool__Output } from '#shared/wire/generated/guian/v1/Pool.js';
import type { ReportLicenceRequest } from '#shared/wire/generated/guian/v1/ReportLicenceRequest.js';
import type { ScaleAdviceResponse__Output } from '#shared/wire/generated/guian/v1/ScaleAdviceResponse.js';
import type { SetLicenceRequest } from '#shared/wire/generated/guian/v1/SetLicenceRequest.js';
import type { SetNodeRequest } from '#shared/wire/generated/guian/v1/SetNodeRequest.js';
import type { SetPoolRequest } from '#shared/wire/generated/guian/v1/SetPoolRequest.js';
import type { SetStudioRequest } from '#shared/wire/generated/guian/v1/SetStudioRequest.js';
import type { Studio__Output } from '#shared/wire/generated/guian/v1/Studio.js';
import type { WhyJobResponse__Output } from '#shared/wire/generated/guian/v1/WhyJobResponse.js';
import type { WhyNodeResponse__Output } from '#shared/wire/generated/guian/v1/WhyNodeResponse.js';
import type { FarmAccess } from './farm-calls.js';

/** @param actor who asks, where a request does not say it. */
export function adminCalls(farm: Pick<FarmAccess, 'client'>, actor = 'ana@ws12') {
  const ask = <Response>(start: Parameters<typeof call<Response>>[1]) => call<Response>(farm.client, start);
  return {
    studios: async () =>
      (
        await ask<ListStudiosResponse__Output>((options, done) =>
          farm.client.admin.listStudios({}, options, done as never),
        )
      ).studios,
    setStudio: (request: SetStudioRequest) =>
      ask<Studio__Output>((options, done) =>
        farm.client.admin.setStudio({ actor, ...request }, options, done as never),
      ),
    removeStudio: (name: string) =>
      ask<unknown>((options, done) =>
        farm.client.admin.removeStudio({ actor, name }, options, done as never),
      ),
    pools: async () =>
      (
        await ask<ListPoolsResponse__Output>((options, done) =>
          farm.client.admin.listPools({}, options, done as never),
        )
      ).pools,
    setPool: (request: SetPoolRequest) =>
      ask<Pool__Output>((options, done) =>
        farm.client.admin.setPool({ actor, ...request }, options, done as never),
      ),
    removePool: (name: string) =>
      ask<unknown>((options, done) => farm.client.admin.removePool({ actor, name }, options, done as never)),
    licences: async () =>
      (
        await ask<ListLicencesResponse__Output>((options, done) =>
          farm.client.admin.listLicences({}, options, done as never),
        )
      ).licences,
    setLicence: (request: SetLicenceRequest) =>
      ask<Licence__Output>((options, done) =>
        farm.client.admin.setLicence({ actor, ...request }, options, done as never),
      ),
    reportLicence: (request: ReportLicenceRequest) =>
      ask<Licence__Output>((options, done) =>
        farm.client.admin.reportLicence({ actor, ...request }, options, done as never),
      ),
    removeLicence: (name: string) =>
      ask<unknown>((options, done) =>
        farm.client.admin.removeLicence({ actor, name }, options, done as never),
      ),
    journal: (pageSize = 0, pageToken = '') =>
      ask<ListJournalResponse__Output>((options, done) =>
        farm.client.admin.listJournal({ pageSize, pageToken }, options, done as never),
      ),
    scaleAdvice: async () =>
      (
        await ask<ScaleAdviceResponse__Output>((options, done) =>
          farm.client.admin.scaleAdvice({}, options, done as never),
        )
      ).pools,
    setNode: (request: SetNodeRequest) =>
      ask<Node__Output>((options, done) =>
        farm.client.nodes.set({ actor, ...request }, options, done as never),
      ),
    removeNode: (nodeId: string) =>
      ask<unknown>((options, done) => farm.client.nodes.remove({ actor, nodeId }, options, done as never)),
    whyNode: (nodeId: string) =>
      ask<WhyNodeResponse__Output>((options, done) =>
        farm.client.nodes.why({ nodeId }, options, done as never),
      ),
    control: (request: ControlJobRequest) =>
      ask<Job__Output>((options, done) =>
        farm.client.jobs.control({ actor, ...request }, options, done as never),
      ),
    whyJob: (jobId: string) =>
      ask<WhyJobResponse__Output>((options, done) => farm.client.jobs.why({ jobId }, options, done as never)),
  };
}
