import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeOptions } from "../../src/overlay/merge.ts";
import type { PlainObject } from "../../src/overlay/plain-object.ts";

const place = { path: ["plugins", "x"], origin: () => undefined };
const merge = (options: unknown, overlay: PlainObject) => mergeOptions(options, overlay, place);

describe("mergeOptions", () => {
  it("merges objects, replaces lists and values, removes on null", () => {
    const options = { a: { b: 1, c: [1, 2], d: 3 }, e: 4, f: 5 };
    expect(merge(options, { a: { c: [9], d: null }, e: { g: 1 }, f: null, h: "new" })).toEqual({
      a: { b: 1, c: [9] },
      e: { g: 1 },
      h: "new",
    });
    expect(options).toEqual({ a: { b: 1, c: [1, 2], d: 3 }, e: 4, f: 5 });
  });

  it("passes on functions, instances, symbols and getters' values", () => {
    const key = Symbol("key");
    const store = new Map();
    const run = () => 1;
    const options = {
      store,
      [key]: 1,
      inner: { run, n: 1 },
      get late() {
        return 2;
      },
    };
    const merged = merge(options, { inner: { n: 2 } });
    expect(merged).toEqual({ store, [key]: 1, inner: { run, n: 2 }, late: 2 });
    expect(merged.store).toBe(store);
    expect((merged.inner as { run: unknown }).run).toBe(run);
  });

  it("replaces code by a value, but does not merge into it", () => {
    expect(merge({ limit: () => 5, store: new Map() }, { limit: 10, store: null })).toEqual({
      limit: 10,
    });
    expect(() => merge({ store: new Map() }, { store: { url: "x" } })).toThrow(
      "plugins.x.store: is a Map, set in code: an object cannot be merged into it",
    );
    expect(() => merge(new Map(), { a: 1 })).toThrow("plugins.x: is a Map");
  });

  it("does not share the overlay's values with the options", () => {
    const overlay = { list: [{ a: 1 }], object: { a: 1 } };
    const merged = merge({}, overlay) as typeof overlay;
    merged.list[0] = { a: 2 };
    merged.object.a = 2;
    expect(overlay).toEqual({ list: [{ a: 1 }], object: { a: 1 } });
  });

  it("leaves prototypes alone", () => {
    const overlay = JSON.parse(
      '{"__proto__": {"x": 1}, "constructor": {"prototype": {"x": 1}}, "a": 1}',
    );
    const merged = merge({}, overlay);
    expect(merged).toEqual({ a: 1 });
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

/** Plain data with few names, so that options and overlays meet. */
const { data } = fc.letrec<{ data: unknown; object: PlainObject }>((tie) => ({
  data: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(1, "x", true, null),
    fc.array(fc.nat(3), { maxLength: 2 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("data"), { maxKeys: 3 }),
}));
const objects = data.filter(
  (value): value is PlainObject =>
    typeof value === "object" && value !== null && !Array.isArray(value),
);

/** Paths of an object's leaves (lists, scalars, empty objects), with their values. */
function leaves(value: unknown, path: readonly string[] = []): [string, unknown][] {
  const isBranch = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isBranch) return [[path.join("."), value]];
  return Object.entries(value)
    .filter(([key]) => key !== "__proto__")
    .flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

describe("mergeOptions, for any options and overlay", () => {
  it("has every value of the overlay, and none of what it removes", () => {
    fc.assert(
      fc.property(objects, objects, (options, overlay) => {
        const merged = new Map(leaves(merge(options, overlay)));
        for (const [path, value] of leaves(overlay)) {
          if (value === null) expect(merged.has(path)).toBe(false);
          else expect(merged.get(path)).toEqual(value);
        }
      }),
    );
  });

  it("adds nothing that is in neither, and keeps what the overlay does not touch", () => {
    fc.assert(
      fc.property(objects, objects, (options, overlay) => {
        const before = structuredClone(options);
        const over = leaves(overlay).map(([path]) => path);
        const merged = leaves(merge(options, overlay)).map(([path]) => path);
        const known = new Set([...leaves(options).map(([path]) => path), ...over]);
        expect(merged.every((path) => known.has(path))).toBe(true);
        expect(options).toEqual(before);
      }),
    );
  });

  it("changes nothing more when it is applied again", () => {
    fc.assert(
      fc.property(objects, objects, (options, overlay) => {
        const once = merge(options, overlay);
        expect(merge(once, overlay)).toEqual(once);
      }),
    );
  });

  it("changes nothing when it is empty", () => {
    fc.assert(
      fc.property(objects, (options) => {
        expect(merge(options, {})).toEqual(options);
      }),
    );
  });
});
