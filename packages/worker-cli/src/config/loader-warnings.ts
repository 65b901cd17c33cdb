/** Not news to whoever runs a command: types are stripped, and a package without `type` was read twice. */
const UNWANTED = /MODULE_TYPELESS_PACKAGE_JSON|Type Stripping is an experimental feature/;

/** Runs `load` without Node's warnings about how it loads TypeScript. */
export async function withoutLoaderWarnings<T>(load: () => Promise<T>): Promise<T> {
  const { emitWarning } = process;
  process.emitWarning = (...args: unknown[]) => {
    const text = args.map((arg) => (arg instanceof Error ? arg.message : JSON.stringify(arg)));
    if (!UNWANTED.test(text.join(" "))) Reflect.apply(emitWarning, process, args);
  };
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
