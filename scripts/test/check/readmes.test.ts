import { describe, expect, it } from "vitest";
import { check } from "../../check/checks/readmes.ts";
import { type Files, packages, README, tree } from "../tree.ts";

const file = "packages/worker-dlq/README.md";
const run = (changes: Files = {}) => check.run(tree(packages(["worker-dlq"], changes)));
const PLUGIN = { "packages/worker-dlq/src/plugin.ts": "export {};\n" };
const sections = [
  "Options",
  "Order with other plugins",
  "Jobs added by SQL",
  "Database objects",
  "Metrics and events",
  "Errors",
  "When Postgres or Redis is down",
  "Recipes",
];
const plugin = README("worker-dlq").replace(
  "## Limitations",
  `${sections.map((name) => `## ${name}\n`).join("\n")}\n## Limitations`,
);

describe("readmes", () => {
  it("passes READMEs with the set sections in order", async () => {
    expect(await run()).toEqual([]);
    expect(await run({ [file]: `${README("worker-dlq")}\n## More\n` })).toEqual([]);
    expect(await run({ ...PLUGIN, [file]: plugin })).toEqual([]);
  });

  it.each([
    ["no README", undefined, "is missing"],
    ["another title", README("worker-cron"), "should begin with"],
    ["no sentence", README("worker-dlq").replace("It does one thing.", "- one"), "one sentence"],
    ["no Usage", README("worker-dlq").replace("## Usage", "## Use"), "## Usage"],
    ["no example", README("worker-dlq").replace("```ts", "```sh"), "no ```ts block"],
    [
      "a long example",
      README("worker-dlq").replace("export", `${"\n".repeat(20)}export`),
      "21 lines",
    ],
    [
      "sections out of order",
      README("worker-dlq").replace("## Usage", "## Errors\n\n## Usage"),
      '"## Errors" stands where "## Usage" belongs',
    ],
  ])("reports %s", async (_, text, message) => {
    const problems = await run({ [file]: text });
    expect(problems).toMatchObject([{ file, message: expect.stringContaining(message) }]);
  });

  it.each(["Options", "Jobs added by SQL", "Limitations"])(
    "reports a plugin without %s",
    async (section) => {
      const text = plugin.replace(`## ${section}`, `### ${section}`);
      const problems = await run({ ...PLUGIN, [file]: text });
      expect(problems).toMatchObject([{ file, message: `lacks the section "## ${section}"` }]);
    },
  );

  it("reports a section of a plugin's own", async () => {
    const problems = await run({ ...PLUGIN, [file]: `${plugin}\n## Thanks\n` });
    expect(problems).toMatchObject([{ file, message: expect.stringContaining("## Thanks") }]);
  });

  it("reports a package that the root's table lacks or describes otherwise", async () => {
    const problems = [
      { file: "README.md", message: expect.stringContaining("What worker-dlq is |") },
    ];
    expect(await run({ "README.md": "# None\n" })).toEqual(problems);
    const other = "| [`@oppulence/worker-dlq`](packages/worker-dlq) | Something else |\n";
    expect(await run({ "README.md": other })).toEqual(problems);
  });
});
