import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cycle, orderHooks, type Placed } from "../../src/compose/order.ts";

const names = ["a", "b", "c", "d", "e"];

/** Hooks named by position, some of whose constraints name nobody. */
const hooks = (links: fc.Arbitrary<string[]>) =>
  fc
    .array(fc.record({ phase: fc.nat({ max: 1 }), before: links, after: links }), { maxLength: 5 })
    .map((all) =>
      all.map(
        ({ phase, before, after }, index): Placed => ({
          plugin: names[index] as string,
          phase,
          place: { before, after },
        }),
      ),
    );

const anyHooks = hooks(fc.subarray([...names, "not installed"], { maxLength: 2 }));

const place = (plugin: string, links: Placed["place"] = {}, phase = 0): Placed => ({
  plugin,
  phase,
  place: links,
});

function order(all: readonly Placed[], reversed = false): string[] {
  const ordered = orderHooks(all, reversed);
  if ("path" in ordered) throw new Error(`circle: ${ordered.path.join(" ")}`);
  return ordered.map(({ plugin }) => plugin);
}

const isCycle = (ordered: readonly Placed[] | Cycle): ordered is Cycle => "path" in ordered;

/** Whether one of two hooks of the same phase asks that the first runs before the second. */
function isAsked(first: Placed, second: Placed): boolean {
  if (first.phase !== second.phase) return false;
  return (
    first.place.before?.includes(second.plugin) === true ||
    second.place.after?.includes(first.plugin) === true
  );
}

/** Whether an order keeps the phases, and every constraint inside them. */
function holds(ordered: readonly Placed[]): boolean {
  return ordered.every((hook, index) =>
    ordered.slice(index).every((later) => later.phase >= hook.phase && !isAsked(later, hook)),
  );
}

/** Permutations, those nearest to the array's own order first. */
function* permutations<T>(all: readonly T[]): Generator<T[]> {
  if (all.length === 0) yield [];
  for (const [index, first] of all.entries())
    for (const rest of permutations(all.toSpliced(index, 1))) yield [first, ...rest];
}

describe("orderHooks", () => {
  it("keeps the array's order where nothing else is said", () => {
    expect(order([place("a"), place("b"), place("c")])).toEqual(["a", "b", "c"]);
  });

  it("puts phases before everything else", () => {
    expect(
      order([place("late", { before: ["early"] }, 2), place("mid", {}, 1), place("early")]),
    ).toEqual(["early", "mid", "late"]);
  });

  it("moves a hook only as far as its constraint asks", () => {
    expect(order([place("a", { after: ["c"] }), place("b"), place("c"), place("d")])).toEqual([
      "b",
      "c",
      "a",
      "d",
    ]);
    expect(order([place("a"), place("b"), place("c", { before: ["b"] })])).toEqual(["a", "c", "b"]);
  });

  it("ignores names that are not installed", () => {
    expect(
      order([place("a", { after: ["nobody"] }), place("b", { before: ["nobody", "a"] })]),
    ).toEqual(["b", "a"]);
  });

  it("reverses positions for after-hooks, and still keeps their constraints", () => {
    expect(order([place("a"), place("b"), place("c")], true)).toEqual(["c", "b", "a"]);
    expect(order([place("a", { before: ["c"] }), place("b"), place("c")], true)).toEqual([
      "b",
      "a",
      "c",
    ]);
  });

  it("names the circle, and only the circle", () => {
    const found = orderHooks([
      place("outside", { after: ["a"] }),
      place("a", { before: ["b"] }),
      place("b", { before: ["c"] }),
      place("c", { before: ["a"] }),
    ]);
    expect(isCycle(found) && found.path).toEqual(["a", "b", "c", "a"]);
    expect(orderHooks([place("a", { after: ["a"] })])).toEqual({ path: ["a", "a"] });
  });

  it("gives, of all orders that keep phases and constraints, the first by position", () => {
    fc.assert(
      fc.property(anyHooks, (all) => {
        const found = orderHooks(all);
        const first = [...permutations(all)].find(holds);
        if (isCycle(found)) expect(first).toBeUndefined();
        else expect(found).toEqual(first);
      }),
      { numRuns: 500 },
    );
  });

  it("reports a circle each of whose steps somebody asked for", () => {
    const tangled = hooks(fc.subarray(names, { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(tangled, (all) => {
        const found = orderHooks(all);
        if (!isCycle(found)) return;
        expect(found.path.at(0)).toBe(found.path.at(-1));
        const path = found.path.map((name) => all.find(({ plugin }) => plugin === name) as Placed);
        for (const [index, hook] of path.slice(1).entries())
          expect(isAsked(path[index] as Placed, hook)).toBe(true);
      }),
    );
  });
});
