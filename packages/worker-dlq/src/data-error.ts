/** SQLSTATE classes of what is wrong with the data: it will be wrong again. */
const DATA = /^(?:22|23|54)/;

/** Whether the database refused values, and is not away. */
export function isDataError(error: unknown): boolean {
  const code =
    typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" && DATA.test(code);
}
