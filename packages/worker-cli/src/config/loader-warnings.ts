import { setImmediate as nextTurn } from "node:timers/promises";

/** Not news to whoever runs a command: types are stripped, a package without `type` was read twice, jiti comes next. */
const UNWANTED =
  /Module type of .* is not specified|Type Stripping is an experimental feature|Failed to load the ES module/;

/**
 * Runs `load` without Node's warnings about how it loads TypeScript. Node has no switch for single warnings,
 * and gives some of them to `process` directly, without `process.emitWarning`.
 */
export async function withoutLoaderWarnings<T>(load: () => Promise<T>): Promise<T> {
  const { emit } = process;
  process.emit = ((...args: [string, ...unknown[]]) => {
    const [name, warning] = args;
    if (name === "warning" && warning instanceof Error && UNWANTED.test(warning.message)) {
      return true;
    }
    return Reflect.apply(emit, process, args);
  }) as typeof process.emit;
  try {
    return await load();
  } finally {
    // Warnings come in the turn after the one that caused them.
    await nextTurn();
    process.emit = emit;
  }
}
