// Original file: proto/guian/v1/admin_service.proto

import type { Licence as _guian_v1_Licence, Licence__Output as _guian_v1_Licence__Output } from '../../guian/v1/Licence.js';

export interface ListLicencesResponse {
  'licences'?: (_guian_v1_Licence)[];
}

export interface ListLicencesResponse__Output {
  'licences': (_guian_v1_Licence__Output)[];
}
