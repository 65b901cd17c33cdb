import { readFileSync } from "node:fs";
import pg from "pg";
import { migrateWorker, startPostgres } from "../src/index.ts";

const server = await startPostgres();
const pid = Number(readFileSync(`${server.folder}/data/postmaster.pid`, "utf8").split("\n")[0]);
const pgCpu = () => {
  const f = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .map(Number);
  return ((f[11] ?? 0) + (f[12] ?? 0) + (f[13] ?? 0) + (f[14] ?? 0)) * 10;
};
const measure = async (name: string, n: number, body: () => Promise<unknown>) => {
  await body();
  await new Promise((r) => setTimeout(r, 300));
  const p = pgCpu();
  const t = performance.now();
  for (let i = 0; i < n; i++) await body();
  await new Promise((r) => setTimeout(r, 300));
  console.log(
    name,
    "pg",
    ((pgCpu() - p) / n).toFixed(1),
    "wall",
    ((performance.now() - t) / n).toFixed(0),
  );
};
const template = await server.template("g", migrateWorker);
const d = await server.createDatabase({ template });
const once = async (text: string) => {
  const c = new pg.Client({ connectionString: d.url });
  await c.connect();
  await c.query(text);
  await c.end();
};
await measure("connect same db", 30, () => once("select 1"));
await measure("connect same db, jobs view", 30, () => once("select * from graphile_worker.jobs"));
await measure("connect same db, add_job", 30, () => once("select graphile_worker.add_job('x')"));
await measure("connect fresh db", 20, async () => {
  const e = await server.createDatabase({ template });
  const c = new pg.Client({ connectionString: e.url });
  await c.connect();
  await c.query("select 1");
  await c.end();
  await e.drop();
});
await measure("connect fresh db x3", 20, async () => {
  const e = await server.createDatabase({ template });
  for (let i = 0; i < 3; i++) {
    const c = new pg.Client({ connectionString: e.url });
    await c.connect();
    await c.query("select 1");
    await c.end();
  }
  await e.drop();
});
console.log(
  (await server.createDatabase({ template })).url.length,
  (await d.pool().query("show jit")).rows,
);
await server.stop();
