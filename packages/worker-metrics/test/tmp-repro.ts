import { createWorker, defineTask } from "@oppulence/worker-core";
import { startPostgres } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
const pg = await startPostgres({ url: false });
for (let i = 0; i < 25; i++) {
  const db = await pg.createDatabase();
  const lines: string[] = [];
  const w = createWorker({ connectionString: db.url, tasks: [defineTask({ identifier: "t", run: () => {} })], config: false, handleSignals: false, logger: new Logger(() => (l, m, meta: any) => void lines.push(`${l} ${m.slice(0, 300)} ${meta?.error?.code ?? meta?.error?.stack ?? ""}`)) });
  let fatal: any;
  w.finished.catch((e) => { fatal = e; });
  await w.start();
  const poll = setInterval(() => { void w.health(); void w.engine.depth().catch(() => {}); }, 5);
  await pg.restart({ mode: "immediate", whileDown: () => new Promise((r) => setTimeout(r, 20 + Math.random() * 400)) });
  await new Promise((r) => setTimeout(r, 700));
  clearInterval(poll);
  console.log(i, "fatal:", fatal?.code, fatal?.message, fatal?.stack?.split("\n").slice(0, 6).join("\n"));
  if (fatal) { console.log(lines.filter((l) => !l.startsWith("debug")).slice(-15).join("\n")); break; }
  await w.stop();
}
await pg.stop();
process.exit(0);
