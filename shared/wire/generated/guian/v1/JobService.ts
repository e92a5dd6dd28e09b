// Original file: proto/guian/v1/job_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CancelJobRequest as _guian_v1_CancelJobRequest, CancelJobRequest__Output as _guian_v1_CancelJobRequest__Output } from '../../guian/v1/CancelJobRequest.js';
import type { ControlJobRequest as _guian_v1_ControlJobRequest, ControlJobRequest__Output as _guian_v1_ControlJobRequest__Output } from '../../guian/v1/ControlJobRequest.js';
import type { GetJobRequest as _guian_v1_GetJobRequest, GetJobRequest__Output as _guian_v1_GetJobRequest__Output } from '../../guian/v1/GetJobRequest.js';
import type { Job as _guian_v1_Job, Job__Output as _guian_v1_Job__Output } from '../../guian/v1/Job.js';
import type { JobEvent as _guian_v1_JobEvent, JobEvent__Output as _guian_v1_JobEvent__Output } from '../../guian/v1/JobEvent.js';
import type { ListJobsRequest as _guian_v1_ListJobsRequest, ListJobsRequest__Output as _guian_v1_ListJobsRequest__Output } from '../../guian/v1/ListJobsRequest.js';
import type { ListJobsResponse as _guian_v1_ListJobsResponse, ListJobsResponse__Output as _guian_v1_ListJobsResponse__Output } from '../../guian/v1/ListJobsResponse.js';
import type { RetryJobRequest as _guian_v1_RetryJobRequest, RetryJobRequest__Output as _guian_v1_RetryJobRequest__Output } from '../../guian/v1/RetryJobRequest.js';
import type { RetryJobResponse as _guian_v1_RetryJobResponse, RetryJobResponse__Output as _guian_v1_RetryJobResponse__Output } from '../../guian/v1/RetryJobResponse.js';
import type { SubmitJobRequest as _guian_v1_SubmitJobRequest, SubmitJobRequest__Output as _guian_v1_SubmitJobRequest__Output } from '../../guian/v1/SubmitJobRequest.js';
import type { SubmitJobResponse as _guian_v1_SubmitJobResponse, SubmitJobResponse__Output as _guian_v1_SubmitJobResponse__Output } from '../../guian/v1/SubmitJobResponse.js';
import type { WatchJobRequest as _guian_v1_WatchJobRequest, WatchJobRequest__Output as _guian_v1_WatchJobRequest__Output } from '../../guian/v1/WatchJobRequest.js';
import type { WhyJobRequest as _guian_v1_WhyJobRequest, WhyJobRequest__Output as _guian_v1_WhyJobRequest__Output } from '../../guian/v1/WhyJobRequest.js';
import type { WhyJobResponse as _guian_v1_WhyJobResponse, WhyJobResponse__Output as _guian_v1_WhyJobResponse__Output } from '../../guian/v1/WhyJobResponse.js';

export interface JobServiceClient extends grpc.Client {
  Cancel(argument: _guian_v1_CancelJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _guian_v1_CancelJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _guian_v1_CancelJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _guian_v1_CancelJobRequest, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _guian_v1_CancelJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _guian_v1_CancelJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _guian_v1_CancelJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _guian_v1_CancelJobRequest, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Control(argument: _guian_v1_ControlJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Control(argument: _guian_v1_ControlJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Control(argument: _guian_v1_ControlJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Control(argument: _guian_v1_ControlJobRequest, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  control(argument: _guian_v1_ControlJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  control(argument: _guian_v1_ControlJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  control(argument: _guian_v1_ControlJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  control(argument: _guian_v1_ControlJobRequest, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _guian_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _guian_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _guian_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _guian_v1_GetJobRequest, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _guian_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _guian_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _guian_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _guian_v1_GetJobRequest, callback: grpc.requestCallback<_guian_v1_Job__Output>): grpc.ClientUnaryCall;
  
  List(argument: _guian_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListJobsRequest, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListJobsRequest, callback: grpc.requestCallback<_guian_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  
  Retry(argument: _guian_v1_RetryJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  Retry(argument: _guian_v1_RetryJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  Retry(argument: _guian_v1_RetryJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  Retry(argument: _guian_v1_RetryJobRequest, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  retry(argument: _guian_v1_RetryJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  retry(argument: _guian_v1_RetryJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  retry(argument: _guian_v1_RetryJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  retry(argument: _guian_v1_RetryJobRequest, callback: grpc.requestCallback<_guian_v1_RetryJobResponse__Output>): grpc.ClientUnaryCall;
  
  Submit(argument: _guian_v1_SubmitJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _guian_v1_SubmitJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _guian_v1_SubmitJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _guian_v1_SubmitJobRequest, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _guian_v1_SubmitJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _guian_v1_SubmitJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _guian_v1_SubmitJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _guian_v1_SubmitJobRequest, callback: grpc.requestCallback<_guian_v1_SubmitJobResponse__Output>): grpc.ClientUnaryCall;
  
  Watch(argument: _guian_v1_WatchJobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_JobEvent__Output>;
  Watch(argument: _guian_v1_WatchJobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_JobEvent__Output>;
  watch(argument: _guian_v1_WatchJobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_JobEvent__Output>;
  watch(argument: _guian_v1_WatchJobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_JobEvent__Output>;
  
  Why(argument: _guian_v1_WhyJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  Why(argument: _guian_v1_WhyJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  Why(argument: _guian_v1_WhyJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  Why(argument: _guian_v1_WhyJobRequest, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyJobRequest, callback: grpc.requestCallback<_guian_v1_WhyJobResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface JobServiceHandlers extends grpc.UntypedServiceImplementation {
  Cancel: grpc.handleUnaryCall<_guian_v1_CancelJobRequest__Output, _guian_v1_Job>;
  
  Control: grpc.handleUnaryCall<_guian_v1_ControlJobRequest__Output, _guian_v1_Job>;
  
  Get: grpc.handleUnaryCall<_guian_v1_GetJobRequest__Output, _guian_v1_Job>;
  
  List: grpc.handleUnaryCall<_guian_v1_ListJobsRequest__Output, _guian_v1_ListJobsResponse>;
  
  Retry: grpc.handleUnaryCall<_guian_v1_RetryJobRequest__Output, _guian_v1_RetryJobResponse>;
  
  Submit: grpc.handleUnaryCall<_guian_v1_SubmitJobRequest__Output, _guian_v1_SubmitJobResponse>;
  
  Watch: grpc.handleServerStreamingCall<_guian_v1_WatchJobRequest__Output, _guian_v1_JobEvent>;
  
  Why: grpc.handleUnaryCall<_guian_v1_WhyJobRequest__Output, _guian_v1_WhyJobResponse>;
  
}

export interface JobServiceDefinition extends grpc.ServiceDefinition {
  Cancel: MethodDefinition<_guian_v1_CancelJobRequest, _guian_v1_Job, _guian_v1_CancelJobRequest__Output, _guian_v1_Job__Output>
  Control: MethodDefinition<_guian_v1_ControlJobRequest, _guian_v1_Job, _guian_v1_ControlJobRequest__Output, _guian_v1_Job__Output>
  Get: MethodDefinition<_guian_v1_GetJobRequest, _guian_v1_Job, _guian_v1_GetJobRequest__Output, _guian_v1_Job__Output>
  List: MethodDefinition<_guian_v1_ListJobsRequest, _guian_v1_ListJobsResponse, _guian_v1_ListJobsRequest__Output, _guian_v1_ListJobsResponse__Output>
  Retry: MethodDefinition<_guian_v1_RetryJobRequest, _guian_v1_RetryJobResponse, _guian_v1_RetryJobRequest__Output, _guian_v1_RetryJobResponse__Output>
  Submit: MethodDefinition<_guian_v1_SubmitJobRequest, _guian_v1_SubmitJobResponse, _guian_v1_SubmitJobRequest__Output, _guian_v1_SubmitJobResponse__Output>
  Watch: MethodDefinition<_guian_v1_WatchJobRequest, _guian_v1_JobEvent, _guian_v1_WatchJobRequest__Output, _guian_v1_JobEvent__Output>
  Why: MethodDefinition<_guian_v1_WhyJobRequest, _guian_v1_WhyJobResponse, _guian_v1_WhyJobRequest__Output, _guian_v1_WhyJobResponse__Output>
}
