import fc from "fast-check";

/** A graph as it travels to the processes that run it: what each step needs, and how it behaves. */
export interface Shape {
  readonly name: string;
  readonly steps: readonly ShapeStep[];
}

/** A step of a {@link Shape}. */
export interface ShapeStep {
  readonly id: string;
  readonly kind: "step" | "each" | "sleep" | "signal" | "child";
  readonly dependsOn: readonly string[];
  /** Attempts that throw before one returns; more than there are: it fails for good. Of a fan-out: of one item. */
  readonly throws: number;
  readonly undoThrows: number;
  readonly compensates: boolean;
  readonly transactional: boolean;
  readonly always: boolean;
  /** Its condition says no. */
  readonly skipped: boolean;
}

/** Items of each fan-out. */
export const ITEMS = 4;
const MOST_STEPS = 30;

const weighted = <T>(...all: readonly (readonly [T, number])[]): fc.Arbitrary<T> =>
  fc.oneof(...all.map(([value, weight]) => ({ arbitrary: fc.constant(value), weight })));

const step = fc.record({
  needs: fc.array(fc.nat({ max: MOST_STEPS - 1 }), { maxLength: 3 }),
  kind: weighted<ShapeStep["kind"]>(
    ["step", 20],
    ["each", 2],
    ["sleep", 1],
    ["signal", 2],
    ["child", 2],
  ),
  throws: weighted([0, 16], [1, 4], [9, 2]),
  undoThrows: weighted([0, 12], [1, 3], [9, 1]),
  compensates: fc.boolean(),
  transactional: fc.boolean(),
  always: weighted([false, 9], [true, 1]),
  skipped: weighted([false, 15], [true, 1]),
});

/** Random graphs of up to 30 steps, each of which may fail, and so may its compensation. */
const shape = (name: string): fc.Arbitrary<Shape> =>
  fc.array(step, { minLength: 2, maxLength: MOST_STEPS }).map((all) => ({
    name,
    steps: all.map(({ needs, ...rest }, index): ShapeStep => {
      const always = isAlways(rest);
      const isPlain = rest.kind === "step" && !always;
      const earlier = needs.filter((need) => {
        const other = all[need];
        return need < index && other !== undefined && (always || !isAlways(other));
      });
      return {
        ...rest,
        always,
        id: `s${index}`,
        compensates: rest.compensates && (isPlain || rest.kind === "each"),
        transactional: rest.transactional && isPlain,
        skipped: rest.skipped && isPlain,
        dependsOn: [...new Set(earlier.map((need) => `s${need}`))],
      };
    }),
  }));

const isAlways = ({ always, kind }: Pick<ShapeStep, "always" | "kind">) =>
  always && kind === "step";

/** The same graphs for the same seed. */
export function randomShapes(count: number, seed: number): Shape[] {
  return Array.from(
    { length: count },
    (_, index) => fc.sample(shape(`w${index}`), { numRuns: 1, seed: seed + index })[0] as Shape,
  );
}
