// Original file: proto/guian/v1/types.proto


export interface RendererInfo {
  'name'?: (string);
  'version'?: (string);
}

export interface RendererInfo__Output {
  'name': (string);
  'version': (string);
}
