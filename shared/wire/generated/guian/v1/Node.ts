// Original file: proto/guian/v1/types.proto

import type { RendererInfo as _guian_v1_RendererInfo, RendererInfo__Output as _guian_v1_RendererInfo__Output } from '../../guian/v1/RendererInfo.js';
import type { BlockedJob as _guian_v1_BlockedJob, BlockedJob__Output as _guian_v1_BlockedJob__Output } from '../../guian/v1/BlockedJob.js';
import type { Gpu as _guian_v1_Gpu, Gpu__Output as _guian_v1_Gpu__Output } from '../../guian/v1/Gpu.js';
import type { NodeJob as _guian_v1_NodeJob, NodeJob__Output as _guian_v1_NodeJob__Output } from '../../guian/v1/NodeJob.js';
import type { Long } from '@grpc/proto-loader';

export interface Node {
  'nodeId'?: (string);
  'state'?: (string);
  'slots'?: (number);
  'slotsBusy'?: (number);
  'cores'?: (number);
  'memoryBytes'?: (number | string | Long);
  'memoryUsedBytes'?: (number | string | Long);
  'renderers'?: (_guian_v1_RendererInfo)[];
  'startedAtMs'?: (number | string | Long);
  'lastHeartbeatAtMs'?: (number | string | Long);
  'hostName'?: (string);
  'agentVersion'?: (string);
  'jobIds'?: (string)[];
  'tilesDone'?: (number | string | Long);
  'reason'?: (string);
  'blockedJobs'?: (_guian_v1_BlockedJob)[];
  'troubles'?: (string)[];
  'sandbox'?: (string);
  'pools'?: (string)[];
  'tags'?: (string)[];
  'gpus'?: (_guian_v1_Gpu)[];
  'assigned'?: (_guian_v1_NodeJob)[];
}

export interface Node__Output {
  'nodeId': (string);
  'state': (string);
  'slots': (number);
  'slotsBusy': (number);
  'cores': (number);
  'memoryBytes': (number);
  'memoryUsedBytes': (number);
  'renderers': (_guian_v1_RendererInfo__Output)[];
  'startedAtMs': (number);
  'lastHeartbeatAtMs': (number);
  'hostName': (string);
  'agentVersion': (string);
  'jobIds': (string)[];
  'tilesDone': (number);
  'reason': (string);
  'blockedJobs': (_guian_v1_BlockedJob__Output)[];
  'troubles': (string)[];
  'sandbox': (string);
  'pools': (string)[];
  'tags': (string)[];
  'gpus': (_guian_v1_Gpu__Output)[];
  'assigned': (_guian_v1_NodeJob__Output)[];
}
