/** The checkout, from dist/benchmarks/support/. */
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
