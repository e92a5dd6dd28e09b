/** Khronos' glTF validator as a judge: its errors refuse a scene, its warnings are summed up for the user. */
import validator, { type ValidationIssue } from 'gltf-validator';
import { FarmError, messageOf } from '#shared/errors.js';
import type { TracedGltf } from '#shared/gltf/trace-dependencies.js';

/** Enough to say how bad it is; a mesh full of NaNs would otherwise list each. */
const ISSUES_MAX = 5_000;
const WARNINGS_SHOWN = 10;
const SEVERITY = { error: 0, warning: 1 } as const;

/**
 * Violations that cannot hurt a picture, since the loader computes or normalises these values itself. Exporters round
 * differently, so many files in use have them; a farm that refused those would be right and useless.
 */
const TOLERATED = [
  'ACCESSOR_MIN_MISMATCH',
  'ACCESSOR_MAX_MISMATCH',
  'ACCESSOR_ELEMENT_OUT_OF_MIN_BOUND',
  'ACCESSOR_ELEMENT_OUT_OF_MAX_BOUND',
  'MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS',
  'ANIMATION_SAMPLER_INPUT_ACCESSOR_WITHOUT_BOUNDS',
  'ACCESSOR_VECTOR3_NON_UNIT',
  'ACCESSOR_INVALID_SIGN',
  'ACCESSOR_NON_CLAMPED',
  'ACCESSOR_WEIGHTS_NON_NORMALIZED',
  'ACCESSOR_JOINTS_INDEX_DUPLICATE',
  'ACCESSOR_ANIMATION_SAMPLER_OUTPUT_NON_NORMALIZED_QUATERNION',
  'ROTATION_NON_UNIT',
  'NODE_MATRIX_NON_TRS',
  'MESH_PRIMITIVE_TOO_FEW_TEXCOORDS',
  'UNUSED_EXTENSION_REQUIRED',
  'UNDECLARED_EXTENSION',
  'IMAGE_MIME_TYPE_INVALID',
  'TEXTURE_INVALID_IMAGE_MIME_TYPE',
  'BUFFER_DATA_URI_MIME_TYPE_INVALID',
];

/** Information about style or size, and what `extensions.ts` already says; nothing that a user must hear. */
const IGNORED = [
  'UNSUPPORTED_EXTENSION',
  'INCOMPLETE_EXTENSION_SUPPORT',
  'UNUSED_OBJECT',
  'UNUSED_MESH_TANGENT',
  'UNUSED_MESH_WEIGHTS',
  'NODE_EMPTY',
  'NODE_MATRIX_DEFAULT',
  'IMAGE_NPOT_DIMENSIONS',
  'IMAGE_FEATURES_UNSUPPORTED',
  'EXTRA_PROPERTY',
  'NON_OBJECT_EXTRAS',
  'URI_GLB',
  'DATA_URI_GLB',
  'BUFFER_VIEW_TARGET_MISSING',
  'ACCESSOR_INDEX_TRIANGLE_DEGENERATE',
  'ACCESSOR_JOINTS_USED_ZERO_WEIGHT',
  'MESH_PRIMITIVE_GENERATED_TANGENT_SPACE',
];

/**
 * @param resources  bytes by URI.
 * @returns warnings, one line each.
 * @throws SCENE_INVALID with the first error, where it is, and how many more there are.
 */
export async function validateGltf(
  fileName: string,
  bytes: Uint8Array,
  traced: TracedGltf,
  resources: ReadonlyMap<string, Uint8Array>,
): Promise<readonly string[]> {
  // The validator normalises URIs before it asks, so both sides are compared decoded.
  const byName = new Map([...resources].map(([uri, data]) => [decodeURIComponent(uri), data]));
  const report = await validator
    .validateBytes(bytes, {
      uri: fileName,
      format: traced.kind,
      maxIssues: ISSUES_MAX,
      writeTimestamp: false,
      ignoredIssues: IGNORED,
      severityOverrides: Object.fromEntries(TOLERATED.map((code) => [code, SEVERITY.warning])),
      externalResourceFunction: async (uri) => {
        const data = byName.get(decodeURIComponent(uri));
        if (!data) throw new Error(`${uri} is not in the package`);
        return data;
      },
    })
    .catch((error: unknown) => {
      throw new FarmError(
        'SCENE_INVALID',
        `${fileName} is not a usable glTF file: ${oneLine(messageOf(error))}; export it again`,
      );
    });
  const { messages, truncated } = report.issues;
  const errors = messages.filter((issue) => issue.severity === SEVERITY.error);
  if (errors.length > 0) {
    // A cycle is reported as several broken rules; this is the one that says what is wrong.
    const first = errors.find((issue) => issue.code === 'NODE_LOOP') ?? errors[0]!;
    const more = errors.length - 1 + (truncated ? '+' : '');
    throw new FarmError(
      'SCENE_INVALID',
      `${fileName}: ${describe(first)}${more === '0' ? '' : ` (and ${more} more errors)`}; repair the scene and export it again`,
      { issue: first.code, pointer: first.pointer },
    );
  }
  if (truncated)
    throw new FarmError(
      'SCENE_INVALID',
      `${fileName} has more than ${ISSUES_MAX} validation issues, such as: ${describe(messages[0]!)}; export it again`,
    );
  return summarise(messages.filter((issue) => issue.severity === SEVERITY.warning));
}

/** One line per kind of issue: its first case, and how often it comes. */
function summarise(issues: readonly ValidationIssue[]): readonly string[] {
  const byCode = new Map<string, { readonly first: ValidationIssue; count: number }>();
  for (const issue of issues) {
    const known = byCode.get(issue.code);
    if (known) known.count++;
    else byCode.set(issue.code, { first: issue, count: 1 });
  }
  const lines = [...byCode.values()].map(
    ({ first, count }) => `${describe(first)}${count > 1 ? ` (and ${count - 1} more of this kind)` : ''}`,
  );
  if (lines.length <= WARNINGS_SHOWN) return lines;
  return [...lines.slice(0, WARNINGS_SHOWN), `and ${lines.length - WARNINGS_SHOWN} more kinds of warnings`];
}

function describe({ message, pointer, code }: ValidationIssue): string {
  return `${oneLine(message).replace(/\.$/, '')}${pointer ? ` at ${oneLine(pointer)}` : ''} [${code}]`;
}

function oneLine(text: string): string {
  // Messages may quote a data URI, which is a whole file.
  return text
    .replace(/(data:[^,']{0,60},)[^']*/g, '$1…')
    .replace(/\s+/g, ' ')
    .slice(0, 240);
}
