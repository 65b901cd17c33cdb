/** Node's codes for what its loader cannot find or does not take. */
const CODES: ReadonlySet<unknown> = new Set([
  "ERR_MODULE_NOT_FOUND",
  "MODULE_NOT_FOUND",
  "ERR_UNSUPPORTED_DIR_IMPORT",
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
  "ERR_INVALID_TYPESCRIPT_SYNTAX",
  "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING",
  "ERR_NO_TYPESCRIPT",
  "ERR_REQUIRE_ESM",
  "ERR_REQUIRE_ASYNC_MODULE",
  "ERR_REQUIRE_CYCLE_MODULE",
]);

/** What V8 says of ESM in a CommonJS module, of CommonJS in an ES module, and of a type that is imported as a value. */
const SYNTAX =
  /outside a module|does not provide an export named|Unexpected (?:token|identifier|strict mode reserved word)|import\.meta|await is only valid/;
const COMMONJS =
  /^(?:require|module|exports|__dirname|__filename) is not defined in ES module scope/;

/**
 * Whether Node's loader refused a module, as against the module having run and thrown.
 *
 * Where it is wrong the modules run twice, and what they throw is told the second time.
 */
export function isLoaderRefusal(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  if (CODES.has(code)) return true;
  if (typeof message !== "string") return false;
  if (name === "ReferenceError") return COMMONJS.test(message);
  return name === "SyntaxError" && SYNTAX.test(message) && !message.includes("JSON");
}
