// Original file: proto/guian/v1/types.proto

import type { PackageManifest as _guian_v1_PackageManifest, PackageManifest__Output as _guian_v1_PackageManifest__Output } from '../../guian/v1/PackageManifest.js';
import type { RenderSettings as _guian_v1_RenderSettings, RenderSettings__Output as _guian_v1_RenderSettings__Output } from '../../guian/v1/RenderSettings.js';
import type { JobSchedule as _guian_v1_JobSchedule, JobSchedule__Output as _guian_v1_JobSchedule__Output } from '../../guian/v1/JobSchedule.js';
import type { Long } from '@grpc/proto-loader';

export interface JobSpec {
  'name'?: (string);
  'studio'?: (string);
  'manifest'?: (_guian_v1_PackageManifest | null);
  'frames'?: (string);
  'tile'?: (string);
  'settings'?: (_guian_v1_RenderSettings | null);
  'maxAttempts'?: (number);
  'verify'?: (number | string);
  'tileTimeLimitMs'?: (number | string | Long);
  'rendererVersion'?: (string);
  'schedule'?: (_guian_v1_JobSchedule | null);
}

export interface JobSpec__Output {
  'name': (string);
  'studio': (string);
  'manifest': (_guian_v1_PackageManifest__Output | null);
  'frames': (string);
  'tile': (string);
  'settings': (_guian_v1_RenderSettings__Output | null);
  'maxAttempts': (number);
  'verify': (number);
  'tileTimeLimitMs': (number);
  'rendererVersion': (string);
  'schedule': (_guian_v1_JobSchedule__Output | null);
}
