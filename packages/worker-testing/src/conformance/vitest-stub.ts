import { registerHooks } from "node:module";

/** What test files import from vitest. */
const NAMES = [
  "afterAll",
  "afterEach",
  "aroundAll",
  "aroundEach",
  "assert",
  "assertType",
  "beforeAll",
  "beforeEach",
  "chai",
  "describe",
  "expect",
  "expectTypeOf",
  "inject",
  "it",
  "onTestFailed",
  "onTestFinished",
  "recordArtifact",
  "should",
  "suite",
  "test",
  "vi",
  "vitest",
];

/** Each of them is something that can be called, and read from, to no effect. */
const SOURCE = `
const nothing = new Proxy(function () {}, {
  get: (_target, key) => (key === "then" || typeof key === "symbol" ? undefined : nothing),
  apply: () => nothing,
  construct: () => nothing,
});
export default nothing;
export { ${NAMES.map((name) => `nothing as ${name}`).join(", ")} };
`;

/**
 * Lets this process import test files outside of vitest: `describe` and the like do nothing. It also spares
 * a child the half second that vitest takes to load.
 */
export function stubVitest(): void {
  const url = `data:text/javascript,${encodeURIComponent(SOURCE)}`;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "vitest"
        ? { url, format: "module", shortCircuit: true }
        : next(specifier, context),
  });
}
