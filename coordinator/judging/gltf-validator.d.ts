/** The package ships no types; this is the part that is used. */
declare module 'gltf-validator' {
  export interface ValidationIssue {
    readonly code: string;
    readonly message: string;
    /** 0 error, 1 warning, 2 information, 3 hint */
    readonly severity: number;
    /** JSON pointer */
    readonly pointer?: string;
  }
  export interface ValidationReport {
    readonly issues: {
      readonly numErrors: number;
      readonly messages: readonly ValidationIssue[];
      readonly truncated: boolean;
    };
  }
  const validator: {
    validateBytes(
      bytes: Uint8Array,
      options: {
        readonly uri?: string;
        readonly format?: 'glb' | 'gltf';
        readonly maxIssues?: number;
        readonly writeTimestamp?: boolean;
        readonly ignoredIssues?: readonly string[];
        readonly severityOverrides?: Readonly<Record<string, number>>;
        readonly externalResourceFunction?: (uri: string) => Promise<Uint8Array>;
      },
    ): Promise<ValidationReport>;
  };
  export default validator;
}
