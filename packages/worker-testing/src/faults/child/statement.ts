/** A statement on its way to the database. */
export interface Statement {
  /** `defer`, `get_job`, …; undefined for a statement that is not prepared. */
  readonly name: string | undefined;
  readonly text: string;
  /** From 1, in the order in which the pool's connections were given them. */
  readonly index: number;
}

/**
 * The short name of a prepared statement: the core calls them `ow_<name>/<schema>`, graphile-worker
 * `<name>/<schema>`, with the batch's size and flags behind `get_job`.
 */
export function statementName(prepared: string | undefined): string | undefined {
  const name = prepared?.split("/", 1)[0]?.replace(/^ow_/, "");
  return name?.replace(/^get_job\d*F?N?$/, "get_job");
}

/** A statement for people: its name, or the start of its text. */
export function printStatement({ name, text, index }: Statement): string {
  return `${index} ${name ?? text.replace(/\s+/g, " ").trim().slice(0, 60)}`;
}
