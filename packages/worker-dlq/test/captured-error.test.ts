import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureError } from "../src/captured-error.ts";
import { cleanText } from "../src/clean-text.ts";

/** What PostgreSQL takes as text and as JSON. */
const isStorable = (text: string) => text.isWellFormed() && !text.includes("\0");

const throwing = (key: string) =>
  Object.defineProperty(new Error("kept"), key, {
    get() {
      throw new Error("the getter threw");
    },
  });

describe("captureError", () => {
  it("keeps an error's name, message, code, stack and causes", () => {
    const error = Object.assign(new TypeError("bad", { cause: new RangeError("deep") }), {
      code: "E_BAD",
    });
    expect(captureError(error)).toEqual({
      name: "TypeError",
      message: "bad",
      code: "E_BAD",
      stack: error.stack,
      causes: [{ name: "RangeError", message: "deep" }],
    });
  });

  it.each([
    ["a string", "it broke", "NonError", "it broke"],
    ["an empty string", "", "NonError", "an empty string was thrown"],
    ["undefined", undefined, "NonError", "undefined"],
    ["null", null, "NonError", "null"],
    ["a symbol", Symbol("s"), "NonError", "Symbol(s)"],
    ["an object", { code: 7 }, "Object", "{ code: 7 }"],
    ["an error without a message", new RangeError(""), "RangeError", "RangeError"],
  ])("captures %s", (_, thrown, name, message) => {
    const captured = captureError(thrown);
    expect(captured.name).toBe(name);
    expect(captured.message).toContain(message);
  });

  it.each(["message", "name", "stack", "cause", "code"])(
    "survives a getter of %s that throws",
    (key) => {
      const captured = captureError(throwing(key));
      expect(isStorable(captured.message)).toBe(true);
      if (key !== "message") expect(captured.message).toBe("kept");
    },
  );

  it("survives proxies, revoked ones too", () => {
    const hostile = new Proxy(new Error("x"), {
      get() {
        throw new Error("trap");
      },
      getPrototypeOf() {
        throw new Error("trap");
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(captureError(hostile).causes).toEqual([]);
    expect(captureError(proxy).name).toBe("Error");
  });

  it("ends with circular causes, and takes an AggregateError's errors along", () => {
    const first = new Error("first");
    const second = new Error("second", { cause: first });
    first.cause = second;
    expect(captureError(first).causes).toEqual([{ name: "Error", message: "second" }]);
    const many = new AggregateError([new Error("a"), new Error("b")], "many");
    expect(captureError(many).causes.map(({ message }) => message)).toEqual(["a", "b"]);
  });

  it("bounds messages, stacks and the number of causes", () => {
    const error = new AggregateError(
      Array.from({ length: 100 }, () => new Error("y".repeat(1_000_000))),
      "x".repeat(1_000_000),
    );
    const captured = captureError(error);
    expect(captured.message).toHaveLength(8_000);
    expect(captured.stack?.length).toBeLessThanOrEqual(16_000);
    expect(captured.causes).toHaveLength(10);
    expect(JSON.stringify(captured).length).toBeLessThan(50_000);
  });

  it("gives something storable for anything that is thrown", () => {
    const anyText = fc.string({ unit: "binary" });
    const error = fc
      .record({ name: anyText, message: anyText, stack: anyText, code: anyText })
      .map((fields) => Object.assign(new Error("x"), fields));
    fc.assert(
      fc.property(fc.oneof(error, anyText, fc.anything({ maxDepth: 2 })), (thrown) => {
        const { name, message, code, stack, causes } = captureError(thrown);
        const texts = [name, message, code ?? "", stack ?? ""];
        for (const cause of causes) texts.push(cause.name, cause.message);
        return message !== "" && texts.every(isStorable);
      }),
      { numRuns: 60 },
    );
  });
});

describe("cleanText", () => {
  it("shows what it escapes", () => {
    expect(cleanText("a\0b\ud800c😀", 100)).toBe("a\\0b\\ud800c😀");
  });

  it("does not cut through a character", () => {
    expect(cleanText("ab😀cd", 4)).toBe("ab…");
    expect(cleanText("ab😀cd", 5)).toBe("ab😀…");
  });

  it("leaves every text that can be stored as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        fc.pre(isStorable(text));
        return cleanText(text, 10_000) === text;
      }),
    );
  });
});
