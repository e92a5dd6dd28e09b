/** What a benchmark is: one question, and an answer in figures. Set-up is outside the clock; results are asserted. */

/** One row of a benchmark's history; units end the names. The columns of a benchmark's rows are always the same. */
export type Figures = Readonly<Record<string, number | string>>;

/** A figure that the project has promised. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Answer {
  readonly rows: readonly Figures[];
  readonly targets: readonly Target[];
}

/** What whoever runs benchmarks may ask for; each heeds what makes sense for it. */
export interface BenchmarkOptions {
  /** Fewer frames than the promise is about, for a quick look. */
  readonly frames?: number;
}

export interface Benchmark {
  /** In one line, for people. */
  readonly question: string;
  /** @throws when a result is wrong: a fast wrong answer is no answer. */
  run(say: Say, options?: BenchmarkOptions): Promise<Answer>;
}

/** One line about what is being measured now. */
export type Say = (line: string) => void;

export function isMet({ value, atLeast, atMost }: Target): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}
