/**
 * From the Blenders that are installed to the versions that a node announces: each with the digest of what it computes
 * here, one for each kind of GPU that it can use, and none that does not render.
 */
import { messageOf } from '#shared/errors.js';
import type { BrokenInstallation, FoundInstallations } from '../program/find-installations.js';
import type { Installation, Sandbox } from '../program/program.js';
import { kernelOf } from './cycles-version.js';
import { type BlenderProbe, probeBlender } from './probe.js';

/**
 * What is no Blender stays as it is.
 * @param installations  as `findInstallations` has them.
 * @returns  in the same order, GPUs after the processor's kernels.
 */
export async function probedVersions(
  installations: readonly Installation[],
  sandbox: Sandbox,
  scratchParent: string,
  probe: typeof probeBlender = probeBlender,
): Promise<FoundInstallations> {
  const answers = await Promise.all(
    installations.map(async (installation) => {
      if (installation.name !== 'blender') return { installation };
      try {
        return { installation, probe: await probe(installation, sandbox, scratchParent) };
      } catch (error) {
        return { installation, reason: messageOf(error) };
      }
    }),
  );
  const found: Installation[] = [];
  const gpus = new Map<string, Installation>();
  const broken: BrokenInstallation[] = [];
  for (const { installation, probe: probed, reason } of answers) {
    const { name, executable, version } = installation;
    if (reason !== undefined) broken.push({ name, executable, reason: `${version}: ${reason}` });
    else if (!probed) found.push(installation);
    else {
      found.push({ ...installation, version: `${version}.px${probed.digest}` });
      for (const one of gpuVersions(installation, probed)) gpus.set(one.version, one);
    }
  }
  return { installations: [...found, ...gpus.values()], broken };
}

/** The processor's kernel has no part in a GPU's pixels, nor has the small picture that it rendered. */
function gpuVersions(installation: Installation, { gpus }: BlenderProbe): Installation[] {
  const kernel = kernelOf(installation.version) ?? process.arch;
  const types = new Set(gpus.map(({ type }) => type));
  return [...types].map((type) => ({
    ...installation,
    version: installation.version.replace(`.${kernel}.`, `.${type}.`),
  }));
}
