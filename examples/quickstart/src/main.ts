import { type Ending, runDemo } from "./demo.ts";
import { readOptions, USAGE } from "./options.ts";

const EXIT_CODES: Readonly<Record<Ending, number>> = {
  verified: 0,
  "does-not-add-up": 1,
  interrupted: 130,
};
const BAD_INPUT = 2;

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    return BAD_INPUT;
  }
  if (options === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  return EXIT_CODES[await runDemo(options, untilInterrupted())];
}

/** Aborts at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => controller.abort());
  }
  return controller.signal;
}

process.exitCode = await main();
