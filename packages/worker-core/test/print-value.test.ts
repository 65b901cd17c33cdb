import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printPath, printValue } from "../src/print-value.ts";

class Store {}

describe("printValue", () => {
  it.each<[unknown, string]>([
    [undefined, "undefined"],
    [null, "null"],
    [true, "true"],
    [5, "5"],
    [5n, "5n"],
    [Symbol("x"), "Symbol(x)"],
    ["a\nb", '"a\\nb"'],
    [[1, "a"], '[1, "a"]'],
    [{ a: 1, "b c": { d: [] } }, '{a: 1, "b c": {d: []}}'],
    [new Store(), "a Store"],
    [function send() {}, "the function send"],
    [() => {}, "a function"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date("x"), "an invalid Date"],
    [Object.create(null), "{}"],
    [JSON.parse('{"__proto__": 1}'), "{__proto__: 1}"],
  ])("prints %s", (value, printed) => {
    expect(printValue(value)).toBe(printed);
  });

  it("cuts long values", () => {
    expect(printValue("x".repeat(5_000_000))).toMatch(/^"x{90,}…/);
    expect(printValue("x".repeat(5_000_000)).length).toBeLessThanOrEqual(100);
    expect(printValue(Array.from({ length: 1_000_000 }, (_, index) => index))).toBe(
      "[0, 1, 2, 3, 4, 5, 6, 7, …]",
    );
  });

  it("prints what cannot be read as far as it can", () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const throwing = {
      ok: 1,
      get bad() {
        throw new Error("no");
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(printValue(circular)).toBe("{self: {self: {self: {…}}}}");
    expect(printValue(throwing)).toBe("{ok: 1, bad: (unreadable)}");
    expect(printValue(proxy)).toBe("(unreadable)");
  });

  it("hides passwords", () => {
    expect(printValue("postgres://me:s3cr3t@p/w@db:5432/app")).toBe(
      '"postgres://me:***@db:5432/app"',
    );
    expect(printValue("host=db password=s3cr3t dbname=app")).toBe(
      '"host=db password=*** dbname=app"',
    );
    expect(printValue(`postgres://me:${"s".repeat(500)}@db/app`)).toBe(
      '"postgres://me:***@db/app"',
    );
    expect(printValue("s3cr3t", "webhookSecret")).toBe("(string, hidden)");
    expect(printValue({ apiKey: "s3cr3t", name: "n" })).toBe(
      '{apiKey: (string, hidden), name: "n"}',
    );
  });

  it("never throws and never runs long", () => {
    fc.assert(
      fc.property(fc.anything({ withProxy: true } as object), (value) => {
        const printed = printValue(value);
        expect(printed.length).toBeLessThanOrEqual(100);
        expect(printed).not.toContain("\n");
      }),
    );
  });
});

describe("printPath", () => {
  it.each<[Parameters<typeof printPath>[0], string]>([
    [[], ""],
    [["address", "lines", 2, "zip"], "address.lines[2].zip"],
    [[0, "zip"], "[0].zip"],
    [["schedules", "nightly-report", "cron"], "schedules.nightly-report.cron"],
    [["schedules", "nightly report"], 'schedules["nightly report"]'],
    [["a.b"], '["a.b"]'],
    [["a", "0"], 'a["0"]'],
    [["größe"], "größe"],
    [["__proto__"], "__proto__"],
    [[Symbol("s")], "[Symbol(s)]"],
    [[{ key: "to" }, { key: 1 }], "to[1]"],
  ])("prints %j as %s", (path, printed) => {
    expect(printPath(path)).toBe(printed);
  });

  it("prints different paths differently", () => {
    const path = fc.array(fc.oneof(fc.string({ maxLength: 4 }), fc.nat(9)), { maxLength: 4 });
    fc.assert(
      fc.property(path, path, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(printPath(one)).not.toBe(printPath(other));
      }),
    );
  });
});
