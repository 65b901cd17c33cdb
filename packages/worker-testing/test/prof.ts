import { startPostgres, killAt } from "../src/index.ts";
import { coreTemplate } from "../src/harness/default-databases.ts";
const pg = await startPostgres();
const t = await coreTemplate(pg);
const n = Number(process.argv[2]);
for (let i = 0; i < n; i++) {
  const database = await pg.createDatabase({ template: t });
  const s = performance.now();
  await killAt("run:before", { database, module: new URL("./faults/fixtures/worker.ts", import.meta.url), enqueue: [{ task: "work", payload: {} }] });
  console.log((performance.now() - s).toFixed(0));
  await database.drop();
}
await pg.stop();
