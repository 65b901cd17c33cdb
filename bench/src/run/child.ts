// Measures one case once, in a process of its own: started by measure.ts, which is answered over IPC.
import { benches } from "../benches/index.ts";
import type { ChildAnswer, ChildTask } from "./measure.ts";
import { profiled } from "./profile.ts";

const { bench, name, profile, ...input }: ChildTask = JSON.parse(process.argv[2] ?? "{}");
const measured = <T>(body: () => Promise<T>): Promise<T> =>
  profile === undefined ? body() : profiled(profile, body);

async function measure(): Promise<ChildAnswer> {
  try {
    const run = benches.find((one) => one.name === bench)?.cases[name];
    if (run === undefined) throw new Error(`there is no case ${name} in bench ${bench}`);
    return { measurement: await run({ ...input, measured }) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

process.send?.(await measure(), () => process.exit());
