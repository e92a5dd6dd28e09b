// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface JobProgress {
  'framesTotal'?: (number);
  'framesFinished'?: (number);
  'framesFailed'?: (number);
  'tilesTotal'?: (number | string | Long);
  'tilesDone'?: (number | string | Long);
  'tilesFailed'?: (number | string | Long);
  'tilesQueued'?: (number | string | Long);
  'coreSeconds'?: (number | string);
  'attemptsFailed'?: (number | string | Long);
  'tilesSpeculated'?: (number | string | Long);
  'tilesVerified'?: (number | string | Long);
}

export interface JobProgress__Output {
  'framesTotal': (number);
  'framesFinished': (number);
  'framesFailed': (number);
  'tilesTotal': (number);
  'tilesDone': (number);
  'tilesFailed': (number);
  'tilesQueued': (number);
  'coreSeconds': (number);
  'attemptsFailed': (number);
  'tilesSpeculated': (number);
  'tilesVerified': (number);
}
