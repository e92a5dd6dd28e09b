/** Thread entry: judges one scene. Errors cross as data, since a FarmError's code does not survive a structured clone. */
import { type ErrorCode, type ErrorDetails, FarmError } from '#shared/errors.js';
import { type JudgeRequest, judgeScene, type SceneJudgement } from './judge-scene.js';

export type JudgeReply =
  | { readonly kind: 'judged'; readonly judgement: SceneJudgement }
  | {
      readonly kind: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    };

export default async function judge(request: JudgeRequest): Promise<JudgeReply> {
  try {
    return { kind: 'judged', judgement: await judgeScene(request) };
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    const { code, message, details } = error;
    return { kind: 'refused', code, message, details };
  }
}
