import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import pg from "pg";
import { migrateWorker, startPostgres } from "../src/index.ts";

const server = await startPostgres();
const pid = Number(readFileSync(`${server.folder}/data/postmaster.pid`, "utf8").split("\n")[0]);
const template = await server.template("g", migrateWorker);
const d = await server.createDatabase({ template });
const once = async (text: string) => {
  const c = new pg.Client({ connectionString: d.url });
  await c.connect();
  await c.query(text);
  await c.end();
};
const perf = spawn(
  "perf",
  ["record", "-g", "-o", "/tmp/perf.data", "-p", String(pid), "--inherit", "-F", "2000"],
  { stdio: "inherit" },
);
await new Promise((r) => setTimeout(r, 1500));
for (let i = 0; i < 30; i++) await once("select 1");
perf.kill("SIGINT");
await new Promise((r) => perf.once("exit", r));
await server.stop();
