import { OTHER } from "./series.ts";

/** What is kept for each task that has a label of its own. */
export class TaskLabels<C> {
  readonly #limit: number;
  readonly #make: (label: string) => C;
  readonly #onFull: () => void;
  readonly #cells = new Map<string, C>();
  #other: C | undefined;

  /**
   * @param limit - most tasks with a label of their own
   * @param make - makes what is kept for a label
   * @param onFull - called once, when a task gets no label of its own
   */
  constructor(limit: number, make: (label: string) => C, onFull: () => void) {
    this.#limit = limit;
    this.#make = make;
    this.#onFull = onFull;
  }

  /** Labels that exist, without `other`. */
  get labels(): Iterable<string> {
    return this.#cells.keys();
  }

  /** What is kept for a task that this process runs or adds jobs for; that of `other` once there are too many. */
  of(task: string): C {
    return this.#cells.get(task) ?? this.#admit(task);
  }

  /** The label of a task that may be anybody's: names that only the database knows are `other`. */
  labelOf(task: string): string {
    return this.#cells.has(task) ? task : OTHER;
  }

  #admit(task: string): C {
    if (this.#cells.size < this.#limit) {
      const cell = this.#make(task);
      this.#cells.set(task, cell);
      return cell;
    }
    if (this.#other === undefined) {
      this.#onFull();
      this.#other = this.#make(OTHER);
    }
    return this.#other;
  }
}
