/** For agents that render nothing of Blender's or POV-Ray's: asking both for their versions costs each start some CPU time. */
export const NO_PROGRAMS = ['--blender', 'none', '--povray', 'none'] as const;
