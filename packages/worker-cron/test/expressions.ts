import fc from "fast-check";

const value = (min: number, max: number) => fc.integer({ min, max }).map(String);
const range = (min: number, max: number) =>
  fc
    .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
    .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
const step = (most: number) => fc.integer({ min: 1, max: most }).map(String);

const items = (min: number, max: number) => {
  const by = step(max - min);
  return fc.oneof(
    { arbitrary: value(min, max), weight: 4 },
    range(min, max),
    fc.constant("*"),
    fc.constant("H"),
    by.map((n) => `*/${n}`),
    by.map((n) => `H/${n}`),
    fc.tuple(range(min, max), by).map(([r, n]) => `${r}/${n}`),
    fc.tuple(value(min, max), by).map(([v, n]) => `${v}/${n}`),
  );
};
const list = (item: fc.Arbitrary<string>) =>
  fc.array(item, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(","));

/** Fires at some time in every year: days that no month lacks, and all months or some. */
export const expressions: fc.Arbitrary<string> = fc
  .tuple(
    fc.option(list(items(0, 59)), { nil: undefined }),
    list(items(0, 59)),
    list(items(0, 23)),
    list(fc.oneof(items(1, 28), fc.constantFrom("L", "L-3", "LW", "15W", "1W", "?"))),
    list(items(1, 12)),
    list(
      fc.oneof(
        items(0, 6),
        fc.constantFrom("MON-FRI", "5L", "SUNL", "MON#1", "3#2", "SAT", "FRI-SUN", "7"),
      ),
    ),
  )
  .map((fields) => fields.filter((field) => field !== undefined).join(" "));

/** Zones with half an hour's change, changes at midnight, a negative winter time, none, and the usual ones. */
export const zones = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "America/Santiago",
  "Africa/Cairo",
  "Asia/Beirut",
  "Africa/Casablanca",
  "Europe/Dublin",
  "Asia/Kolkata",
  "Antarctica/Troll",
);
