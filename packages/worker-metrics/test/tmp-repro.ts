import { createWorker, defineTask } from "@oppulence/worker-core";
import { startPostgres } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
const pg = await startPostgres({ url: false });
const t0 = Date.now();
for (let i = 0; i < 8; i++) {
  const db = await pg.createDatabase();
  const lines: string[] = [];
  const t = defineTask({ identifier: "t", run: () => {} });
  const w = createWorker({ connectionString: db.url, tasks: [t], config: false, handleSignals: false, logger: new Logger(() => (l, m, meta: any) => void lines.push(`${Date.now() - t0} ${l} ${m.slice(0, 200)}`)) });
  w.finished.catch((e) => console.log("FATAL", e));
  await w.start();
  await w.engine.depth();
  await pg.restart({ mode: "immediate", whileDown: async () => { for (let k = 0; k < 4; k++) { await w.health(); await w.engine.depth().catch(() => {}); await sleep(10); } } });
  lines.push(`${Date.now() - t0} UP`);
  while ((await w.health()).status !== "ok") await sleep(50);
  await w.engine.depth();
  lines.push(`${Date.now() - t0} OK`);
  const done = new Promise((r) => w.events.once("job:succeeded", r));
  await w.addJob(t, {});
  const at = Date.now();
  lines.push(`${Date.now() - t0} ADDED`);
  const poll = setInterval(() => { void w.engine.depth().catch(() => {}); }, 50);
  const ok = await Promise.race([done.then(() => true), sleep(12_000)]);
  console.log(i, "ran", ok, Date.now() - at);
  clearInterval(poll);
  if (!ok) { console.log(lines.slice(-60).join("\n"));  break; }
  await w.stop();
}
process.exit(0);
