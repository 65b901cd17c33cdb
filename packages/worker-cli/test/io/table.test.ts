import { describe, expect, it } from "vitest";
import { createColors } from "../../src/io/colors.ts";
import { layFields } from "../../src/io/fields.ts";
import { columnsOf, layTable } from "../../src/io/table.ts";
import { widthOf } from "../../src/io/width.ts";

const colors = createColors({ wish: false, env: {}, isTty: false });
const lay = (rows: Record<string, unknown>[], width?: number) =>
  layTable(rows, columnsOf(rows), { width, colors });

describe("layTable", () => {
  it("lines columns up, numbers to the right", () => {
    expect(
      lay([
        { id: "1", maxAttempts: 3 },
        { id: "1234", maxAttempts: 25 },
      ]),
    ).toEqual(["ID    MAX ATTEMPTS", "1                3", "1234            25"]);
  });

  it("measures what people see: CJK, emoji, combining marks", () => {
    const [header, ...rows] = lay([
      { name: "日本語", next: "|" },
      { name: "👩‍👩‍👧‍👦", next: "|" },
      { name: "e\u0301e\u0301", next: "|" },
      { name: "🇩🇪", next: "|" },
    ]);
    const at = widthOf("日本語") + 2;
    expect(header?.indexOf("NEXT")).toBe(at);
    for (const row of rows) expect(widthOf(row.slice(0, row.indexOf("|")))).toBe(at);
  });

  it("fits the terminal, taking from the widest column", () => {
    for (const width of [20, 40, 60]) {
      const lines = lay(
        [{ id: "1234567", text: "日本語".repeat(30), other: "x".repeat(30) }],
        width,
      );
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
      if (width >= 40) expect(lines[1]).toContain("1234567");
      expect(lines[1]).toContain("…");
    }
  });

  it("cuts nothing where there is no terminal", () => {
    expect(lay([{ text: "x".repeat(500) }])[1]).toHaveLength(500);
  });

  it("cannot be narrower than it can be, and does not loop for ever", () => {
    expect(lay([{ a: "x".repeat(20), b: "y".repeat(20) }], 3)[1]).toBe("xxx…  yyy…");
  });

  it("shows every kind of value on one line", () => {
    const date = new Date("2040-01-02T03:04:05Z");
    const row = {
      a: undefined,
      b: null,
      c: true,
      d: date,
      e: { f: [1] },
      g: "x\n\ty",
      h: 10n,
      i: "",
    };
    expect(lay([row])[1]?.split(/ {2,}/)).toEqual([
      "-",
      "-",
      "yes",
      "2040-01-02 03:04:05Z",
      '{"f":[1]}',
      "x ⏎ y",
      "10",
      "-",
    ]);
  });

  it("has the columns of all rows", () => {
    expect(lay([{ a: 1 }, { b: 2 }])).toEqual(["A  B", "1  -", "-  2"]);
  });

  it("lets nothing through that steers a terminal", () => {
    const [, row] = lay([{ text: "a\u001b[31mb\u0007\u009b\u202ec\r" }]);
    expect(row).toBe("a\\u001b[31mb\\u0007\\u009b\\u202ec\\u000d");
  });
});

describe("layFields", () => {
  it("puts long and nested values below their name", () => {
    expect(
      layFields({ id: "1", lastError: "a\nb", labels: {}, payload: { to: [1] } }, colors),
    ).toEqual([
      "id         1",
      "lastError",
      "  a",
      "  b",
      "labels     {}",
      "payload",
      "  {",
      '    "to": [',
      "      1",
      "    ]",
      "  }",
    ]);
  });
});
