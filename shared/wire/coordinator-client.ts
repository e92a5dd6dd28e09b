/** A typed client of the coordinator's five services, as promises; used by the CLI and by agents. */
import * as grpc from '@grpc/grpc-js';
import { TIMES } from '../limits.js';
import type { AdminServiceClient } from './generated/guian/v1/AdminService.js';
import type { FrameServiceClient } from './generated/guian/v1/FrameService.js';
import type { JobServiceClient } from './generated/guian/v1/JobService.js';
import type { NodeServiceClient } from './generated/guian/v1/NodeService.js';
import type { PackageServiceClient } from './generated/guian/v1/PackageService.js';
import { loadProtos } from './protos.js';
import { fromServiceError } from './status.js';

export interface CoordinatorClient extends AsyncDisposable {
  readonly address: string;
  readonly jobs: JobServiceClient;
  readonly packages: PackageServiceClient;
  readonly frames: FrameServiceClient;
  readonly nodes: NodeServiceClient;
  readonly admin: AdminServiceClient;
  close(): void;
}

/** Connects lazily; the first call finds out whether anybody is there. `address` is `host:port`. */
export function connectCoordinator(address: string): CoordinatorClient {
  const { v1 } = loadProtos();
  const credentials = grpc.credentials.createInsecure();
  const options: grpc.ClientOptions = {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 2_000,
  };
  const clients = {
    jobs: new v1.JobService(address, credentials, options),
    packages: new v1.PackageService(address, credentials, options),
    frames: new v1.FrameService(address, credentials, options),
    nodes: new v1.NodeService(address, credentials, options),
    admin: new v1.AdminService(address, credentials, options),
  };
  const close = () => {
    for (const client of Object.values(clients)) client.close();
  };
  return { address, ...clients, close, [Symbol.asyncDispose]: async () => close() };
}

type Callback<Response> = (error: grpc.ServiceError | null, response?: Response) => void;

/**
 * One unary call with a deadline.
 * @example await call(farm, (options, done) => farm.jobs.get({ jobId }, options, done))
 * @throws FarmError with the server's code, or COORDINATOR_UNAVAILABLE.
 */
export function call<Response>(
  client: CoordinatorClient,
  start: (options: grpc.CallOptions, done: Callback<Response>) => unknown,
  deadlineMs: number = TIMES.grpcDeadlineMs,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + deadlineMs }, (error, response) => {
      if (error) reject(fromServiceError(error, client.address));
      else resolve(response as Response);
    });
  });
}
