import { InvalidMetricError } from "./errors.ts";

/** The label value that stands for every one beyond a limit. */
export const OTHER = "other";
/** Characters of a label's value; a longer one is cut, or one value could fill the memory. */
const MAX_VALUE_LENGTH = 200;

/** Values of labels, as they are given: a label that is missing counts as empty. */
export type GivenLabels = Readonly<Record<string, string | number>>;

/** One label combination of a metric. */
export interface Series<C> {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: C;
}

/** What a {@link SeriesTable} holds and how much of it. */
export interface SeriesRules<C> {
  /** The metric's name, for errors. */
  readonly metric: string;
  readonly labelNames: readonly string[];
  /** Makes the value of a new label combination. */
  readonly create: () => C;
  /** Most label combinations, asked at each new one; the one of `other` comes on top. */
  readonly limit: () => number;
  /** Told of each measurement that went to `other` for lack of room. */
  readonly onOverflow: () => void;
}

type Branch<C> = Map<string, Node<C>>;
type Leaf<C> = { readonly cell: C };
type Node<C> = Branch<C> | Leaf<C>;

/**
 * The label combinations of one metric, found without building a key: one map lookup a label. On the hot path.
 *
 * Holds at most `limit` combinations. Measurements of any further one go to the combination whose labels
 * are all `other`, so that values which come from users cannot grow the process or the Prometheus server
 * without bound.
 */
export class SeriesTable<C> {
  readonly #rules: SeriesRules<C>;
  readonly #labelNames: readonly string[];
  #series: Series<C>[] = [];
  #root: Node<C> | undefined;

  constructor(rules: SeriesRules<C>) {
    this.#rules = rules;
    this.#labelNames = rules.labelNames;
  }

  /** Every combination that was measured, in the order of first use. */
  get series(): readonly Series<C>[] {
    return this.#series;
  }

  /**
   * The value of a label combination, made when it is new.
   *
   * @throws InvalidMetricError for a label that the metric does not have, when the combination is new
   */
  cell(labels: GivenLabels | undefined): C {
    return this.#find(labels)?.cell ?? this.#create(labels);
  }

  /** Forgets every combination. */
  clear(): void {
    this.#root = undefined;
    this.#series = [];
  }

  #find(labels: GivenLabels | undefined): Leaf<C> | undefined {
    let node = this.#root;
    for (const name of this.#labelNames) {
      if (node === undefined) return undefined;
      node = (node as Branch<C>).get(textOf(labels?.[name]));
    }
    return node as Leaf<C> | undefined;
  }

  #create(labels: GivenLabels | undefined): C {
    const { limit, onOverflow } = this.#rules;
    if (this.#series.length < limit()) return this.#insert(labels);
    onOverflow();
    const others = Object.fromEntries(this.#labelNames.map((name) => [name, OTHER]));
    return this.#find(others)?.cell ?? this.#insert(others);
  }

  #insert(given: GivenLabels = {}): C {
    const { metric, create } = this.#rules;
    const names = this.#labelNames;
    const unknown = Object.keys(given).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
      throw new InvalidMetricError(metric, `got the label ${JSON.stringify(unknown)}; ${known}`);
    }
    const leaf: Leaf<C> = { cell: create() };
    const labels = Object.fromEntries(names.map((name) => [name, textOf(given[name])]));
    this.#root = grown(this.#root, Object.values(labels), leaf);
    this.#series.push({ labels, cell: leaf.cell });
    return leaf.cell;
  }
}

/** The tree with a leaf at the end of the path. */
function grown<C>(node: Node<C> | undefined, path: readonly string[], leaf: Leaf<C>): Node<C> {
  const [value, ...rest] = path;
  if (value === undefined) return leaf;
  const branch: Branch<C> = (node as Branch<C> | undefined) ?? new Map();
  return branch.set(value, grown(branch.get(value), rest, leaf));
}

/** Numbers and their text are one value: in the exposition they would be one series twice. */
function textOf(value: string | number | undefined): string {
  if (typeof value !== "string") return value === undefined || value === null ? "" : String(value);
  return value.length <= MAX_VALUE_LENGTH ? value : value.slice(0, MAX_VALUE_LENGTH);
}
