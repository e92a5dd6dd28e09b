/** Files of a package are tried before anything starts, so that what is wrong with one is told by its name. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { type ErrorCode, FarmError } from '#shared/errors.js';

/**
 * @param subject  how a message begins, e.g. `scene shot.blend`.
 * @param wanted   what to name instead of a folder.
 * @throws `code` with one line when the file is not there, is none, or may not be read.
 */
export async function checkReadable(
  file: string,
  subject: string,
  code: ErrorCode,
  wanted = 'the file itself',
): Promise<void> {
  const info = await stat(file).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOENT' || error.code === 'ENOTDIR'
        ? 'does not exist'
        : `cannot be read (${error.code})`;
    throw new FarmError(code, `${subject} ${why}; check the path`, { file }, { cause: error });
  });
  if (!info.isFile()) throw new FarmError(code, `${subject} is not a file; name ${wanted}`, { file });
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw new FarmError(
      code,
      `${subject} may not be read by this user; check its permissions`,
      { file },
      { cause },
    );
  });
}
