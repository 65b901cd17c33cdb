import { startBenchPostgres } from "./services/postgres.ts";
import { measure } from "./run/measure.ts";
import { benches } from "./benches/index.ts";
const [bench, cases, jobs, rounds, profile] = process.argv.slice(2);
const b = benches.find((x) => x.name === bench)!;
const pgs = await startBenchPostgres();
console.log(pgs.about);
const n = Number(jobs);
for (let r = 0; r < Number(rounds); r++) {
  const line: string[] = [];
  const list = cases!.split(",");
  for (const c of r % 2 ? list.toReversed() : list) {
    const m = await pgs.withDatabase((databaseUrl) => measure({ bench: bench!, name: c, databaseUrl, redisPort: 6399, size: n ? { ...b.size, jobs: n } : b.size, profile: profile && `${profile}-${c}.cpuprofile` }));
    line.push(`${JSON.stringify(m)}`);
  }
  console.log(line.join("  "));
}
await pgs.stop();
