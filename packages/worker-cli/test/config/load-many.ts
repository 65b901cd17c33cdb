// Loads the config of each folder named on the command line, outside of vitest, whose own loader is in the way.
import { loadConfig } from "../../src/config/load-config.ts";

const results: object[] = [];
for (const folder of process.argv.slice(2)) {
  try {
    const { label, loader, options } = await loadConfig(folder, undefined);
    results.push({ label, loader, tasks: options.tasks?.map(({ identifier }) => identifier) });
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    results.push({ code, message });
  }
}
console.log(JSON.stringify(results));
