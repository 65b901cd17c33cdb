import { readFileSync } from "node:fs";
import { definePlugin, proceed } from "@oppulence/worker-core";
import { cellOf } from "../src/conformance/cells.ts";
import { onStage } from "../src/conformance/stage.ts";
import { createSubject } from "../src/conformance/subject.ts";
import { startPostgres } from "../src/index.ts";

const pg = await startPostgres();
const pid = Number(readFileSync(`${pg.folder}/data/postmaster.pid`, "utf8").split("\n")[0]);
const pgCpu = () => {
  const f = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .map(Number);
  return ((f[11] ?? 0) + (f[12] ?? 0) + (f[13] ?? 0) + (f[14] ?? 0)) * 10;
};
const plugin = () =>
  definePlugin({
    name: "p",
    producers: "not-covered",
    setup: () => ({ beforeRun: { phase: "gate", onError: "open", run: () => proceed() } }),
  });
const subject = createSubject(plugin, { databases: pg });
const measure = async (name: string, n: number, body: () => Promise<unknown>) => {
  await body();
  const c = process.cpuUsage();
  const p = pgCpu();
  const t = performance.now();
  for (let i = 0; i < n; i++) await body();
  await new Promise((r) => setTimeout(r, 200));
  const d = process.cpuUsage(c);
  console.log(
    name,
    "node cpu ms",
    (d.user / 1000 / n).toFixed(1),
    "+",
    (d.system / 1000 / n).toFixed(1),
    "pg",
    ((pgCpu() - p) / n).toFixed(1),
    "wall",
    ((performance.now() - t) / n).toFixed(0),
  );
};
await measure("database", 20, async () => {
  const d = await subject.migratedDatabase();
  await d.drop();
});
await measure("database+1conn", 20, async () => {
  const d = await subject.migratedDatabase();
  await d.pool().query("select 1");
  await d.drop();
});
for (const i of [0, 1]) {
  await measure(`stage ${i}`, 20, () => onStage(subject, { cell: cellOf(i) }, async () => {}));
  await measure(`stage+job ${i}`, 20, () =>
    onStage(subject, { cell: cellOf(i) }, async (s) => {
      await s.wait(await s.add(), "succeeded", "x");
    }),
  );
}
await pg.stop();
