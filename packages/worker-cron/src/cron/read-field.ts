import { didYouMean } from "@oppulence/worker-core";
import { InvalidCronError } from "../errors.ts";
import type { NthWeekday } from "./cron-fields.ts";
import { DAY_OF_MONTH, DAY_OF_WEEK, type FieldSpec } from "./fields.ts";
import { stableHash } from "./hash.ts";

const ITEM = /^(\*|\?|H(?:\(([^)]*)\))?|[^/]*?)(?:\/(.*))?$/i;

/** Reads one field of an expression; what it holds are its public members. */
export class FieldReader {
  /** With `H` resolved. */
  readonly canonical: string;
  readonly isWild: boolean;
  isInterval = false;
  readonly fromLast: number[] = [];
  readonly nearest: (number | "L")[] = [];
  readonly nth: NthWeekday[] = [];
  readonly #set = new Set<number>();
  readonly #spec: FieldSpec;
  readonly #expression: string;
  readonly #seed: string;

  constructor(spec: FieldSpec, text: string, index: number, expression: string, seed: string) {
    this.#spec = spec;
    this.#expression = expression;
    this.#seed = seed;
    this.isWild = /^[*?]/.test(text);
    const items: string[] = [];
    let at = index;
    for (const item of text.split(",")) {
      items.push(this.#read(item, at));
      at += item.length + 1;
    }
    this.canonical = items.join(",");
  }

  /** Ascending. */
  get values(): number[] {
    return [...this.#set].sort((a, b) => a - b);
  }

  #fail(at: number, problem: string): never {
    throw new InvalidCronError(this.#expression, this.#spec.name, at + 1, problem);
  }

  #read(item: string, at: number): string {
    if (item === "") this.#fail(at, "is empty; write a value between the commas");
    const special = this.#readSpecial(item.toUpperCase(), at);
    if (special) return item.toUpperCase();
    const [, head = "", within, step] = ITEM.exec(item) ?? [];
    const stepAt = at + head.length + 1;
    const by = step === undefined ? undefined : this.#step(step, stepAt);
    if (/^H/i.test(head) && !this.#isName(head)) return this.#readHash(within, by, at);
    const range = this.#range(head, at);
    if (range.to === undefined && by === undefined) {
      this.#set.add(range.from);
      return String(range.from);
    }
    // A value with a step goes on to the end of the field.
    const to = range.to ?? this.#last();
    this.#add(range.from, to, by ?? 1);
    const isAll = /^[*?]$/.test(head);
    return `${isAll ? "*" : `${range.from}-${to}`}${by === undefined ? "" : `/${by}`}`;
  }

  #last(): number {
    return this.#spec === DAY_OF_WEEK ? 6 : this.#spec.max;
  }

  #add(from: number, to: number, by: number): void {
    this.isInterval = true;
    for (let value = from; value <= to; value += by) this.#set.add(value);
  }

  #isName(word: string): boolean {
    return this.#spec.names.includes(word.toUpperCase());
  }

  #step(text: string, at: number): number {
    const most = this.#last() - this.#spec.min + 1;
    const step = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
    if (step >= 1 && step <= most) return step;
    return this.#fail(at, `got the step ${JSON.stringify(text)}; it is a number from 1 to ${most}`);
  }

  #range(head: string, at: number): { readonly from: number; readonly to: number | undefined } {
    if (head === "*") return { from: this.#spec.min, to: this.#last() };
    if (head === "?") {
      if (this.#spec !== DAY_OF_MONTH && this.#spec !== DAY_OF_WEEK)
        this.#fail(at, "? is for days only; write *");
      return { from: this.#spec.min, to: this.#last() };
    }
    const dash = head.indexOf("-", 1);
    if (dash < 0) return { from: this.#value(head, at), to: undefined };
    const from = this.#value(head.slice(0, dash), at);
    const end = this.#value(head.slice(dash + 1), at + dash + 1);
    const to = this.#spec === DAY_OF_WEEK && end === 0 && from > 0 ? 7 : end;
    if (to < from)
      this.#fail(
        at,
        `the range ${head} runs backwards; write ${from}-${this.#last()},${this.#spec.min}-${to}`,
      );
    return { from, to };
  }

  #value(text: string, at: number): number {
    const { min, max, names } = this.#spec;
    const named = names.indexOf(text.toUpperCase());
    if (named >= 0) return named + min;
    const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const or = names.length === 0 ? "" : ` or a name (${names[0]} to ${names.at(-1)})`;
    const hint = /^[a-z]+$/i.test(text) ? didYouMean(text.toUpperCase(), names) : "";
    return this.#fail(
      at,
      `got ${JSON.stringify(text)}${hint}; it is a number from ${min} to ${max}${or}`,
    );
  }

  /** A value of the schedule's own, always the same: `H`, `H(0-7)`, `H/15`, `H(0-29)/10`. */
  #readHash(within: string | undefined, by: number | undefined, at: number): string {
    const { min, hashMax, name } = this.#spec;
    let [from, to] = [min, by === undefined ? hashMax : this.#last()];
    if (within !== undefined) {
      const range = this.#range(within, at + 2);
      if (range.to === undefined)
        this.#fail(at + 2, `got ${JSON.stringify(within)}; H has a range, such as H(0-29)`);
      [from, to] = [range.from, range.to];
    }
    const span = by === undefined ? to - from + 1 : Math.min(by, to - from + 1);
    const start = from + stableHash(`${this.#seed}/${name}`, span);
    if (by === undefined) {
      this.#set.add(start);
      return String(start);
    }
    this.#add(start, to, by);
    return `${start}-${to}/${by}`;
  }

  /** `L`, `L-3`, `LW`, `15W` of a month; `5L`, `5#2` of a week. */
  #readSpecial(item: string, at: number): boolean {
    if (this.#spec === DAY_OF_MONTH) return this.#readMonthDay(item, at);
    if (this.#spec === DAY_OF_WEEK) return this.#readWeekday(item, at);
    if (/^(L|LW|\d+W|.+#.*)$/.test(item))
      this.#fail(at, `${item} is for days only; a ${this.#spec.name} is a number`);
    return false;
  }

  #readMonthDay(item: string, at: number): boolean {
    const last = /^L(?:-(\d+))?$/.exec(item);
    if (last !== null) {
      const back = Number(last[1] ?? 0);
      if (back > 30) this.#fail(at + 2, `got ${back}; days before the last are 0 to 30`);
      this.fromLast.push(back);
      return true;
    }
    const near = /^(L|\d+)W$/.exec(item);
    if (near === null) return false;
    this.nearest.push(near[1] === "L" ? "L" : this.#value(near[1] as string, at));
    return true;
  }

  #readWeekday(item: string, at: number): boolean {
    if (item === "L") this.#fail(at, 'L needs a weekday here: "5L" is the last Friday of a month');
    const last = /^(\w+)L$/.exec(item);
    const nth = /^(\w+)#(.*)$/.exec(item);
    const day = last?.[1] ?? nth?.[1];
    if (day === undefined || (last !== null && this.#isName(item))) return false;
    const which = last === null ? (nth?.[2] as string) : "L";
    if (which !== "L" && !/^[1-5]$/.test(which))
      this.#fail(
        at + day.length + 1,
        `got ${JSON.stringify(which)}; a weekday occurs 1 to 5 times in a month, or is the last with L`,
      );
    this.nth.push({
      weekday: this.#value(day, at) % 7,
      nth: which === "L" ? "L" : Number(which),
    });
    return true;
  }
}
