// Original file: proto/guian/v1/node_service.proto

import type { NodeJob as _guian_v1_NodeJob, NodeJob__Output as _guian_v1_NodeJob__Output } from '../../guian/v1/NodeJob.js';
import type { JobOnNode as _guian_v1_JobOnNode, JobOnNode__Output as _guian_v1_JobOnNode__Output } from '../../guian/v1/JobOnNode.js';

export interface WhyNodeResponse {
  'nodeId'?: (string);
  'state'?: (string);
  'slots'?: (number);
  'slotsBusy'?: (number);
  'assigned'?: (_guian_v1_NodeJob)[];
  'jobs'?: (_guian_v1_JobOnNode)[];
}

export interface WhyNodeResponse__Output {
  'nodeId': (string);
  'state': (string);
  'slots': (number);
  'slotsBusy': (number);
  'assigned': (_guian_v1_NodeJob__Output)[];
  'jobs': (_guian_v1_JobOnNode__Output)[];
}
