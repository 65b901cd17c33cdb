/** How much work one measurement does. */
export type Size = Readonly<Record<string, number>>;

/** What a case finds in the process that measures it. */
export interface CaseInput {
  /** A database of its own, with graphile-worker's and the core's tables, empty. */
  readonly databaseUrl: string;
  /** Undefined where there is no Redis. */
  readonly redisPort: number | undefined;
  readonly size: Size;
  /** Runs the part that is measured; where a profile was asked for, it covers this and nothing else. */
  readonly measured: <T>(body: () => Promise<T>) => Promise<T>;
}

/** Something else that a case saw, told beside its figure. */
export interface Note {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

/** What one measurement of one case came to. */
export interface Measurement {
  /** A figure for each row: for most cases one row, of the case's own name. */
  readonly rows: Readonly<Record<string, number>>;
  readonly notes?: readonly Note[];
}

/** What a row must come to. */
export interface Asked {
  readonly what: "ratio" | "median";
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One benchmark. */
export interface Bench {
  readonly name: string;
  /** One line for the list of benches. */
  readonly about: string;
  readonly unit: string;
  /** The row that the others are compared with; undefined where there is none. */
  readonly base: string | undefined;
  /** Rows that are compared with another row than {@link Bench.base}, or with none: null. */
  readonly bases?: Readonly<Record<string, string | null>>;
  /** Rows in another unit. */
  readonly units?: Readonly<Record<string, string>>;
  /** Comparisons beyond those with the base: one row each, named `row/against`. */
  readonly comparisons?: readonly { readonly row: string; readonly against: string }[];
  readonly rounds: number;
  readonly size: Size;
  /** For `--quick`. */
  readonly quick: Size;
  readonly needsRedis?: readonly string[];
  readonly asked: Readonly<Record<string, Asked>>;
  /** How each case is measured, by name; runs in a process of its own. */
  readonly cases: Readonly<Record<string, (input: CaseInput) => Promise<Measurement>>>;
}
