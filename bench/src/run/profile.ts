import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";

/**
 * Runs `body` under V8's CPU profiler.
 *
 * @param file - where the profile goes; Chrome's developer tools open it
 */
export async function profiled<T>(file: string, body: () => Promise<T>): Promise<T> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  try {
    return await body();
  } finally {
    const { profile } = await session.post("Profiler.stop");
    writeFileSync(file, JSON.stringify(profile));
    session.disconnect();
  }
}
