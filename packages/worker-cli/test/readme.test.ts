import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { BUILT_IN_COMMANDS } from "../src/commands/built-in-commands.ts";
import { GLOBAL_OPTIONS } from "../src/global-options.ts";
import { renderCommands, renderOptions } from "./reference.ts";

const README = new URL("../README.md", import.meta.url);

function replacePart(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  expect(text.split(begin)).toHaveLength(2);
  expect(text.split(end)).toHaveLength(2);
  const from = text.indexOf(begin) + begin.length;
  return `${text.slice(0, from)}\n\n${content}\n\n${text.slice(text.indexOf(end))}`;
}

describe("README.md", () => {
  // `vitest run -u` writes the parts anew.
  it("has every command with its options, from their definitions", async () => {
    const text = await readFile(README, "utf8");
    const withOptions = replacePart(text, "global options", renderOptions(GLOBAL_OPTIONS));
    const whole = replacePart(withOptions, "commands", renderCommands(BUILT_IN_COMMANDS));
    await expect(whole).toMatchFileSnapshot("../README.md");
  });
});
