import { createHash, randomBytes } from "node:crypto";

const PREFIX = "oppulence_test_";

/** Identifies a run among those that share a server. */
export const newRun = (): string => randomBytes(4).toString("hex");

/** The name of a fresh database of the run. */
export const databaseName = (run: string): string =>
  `${PREFIX}${run}_${randomBytes(6).toString("hex")}`;

/** The name of the run's template with this name and content. */
export const templateName = (run: string, name: string, content: string): string => {
  const hash = createHash("sha256").update(`${name}\0${content}`).digest("hex");
  return `${PREFIX}${run}_template_${hash.slice(0, 12)}`;
};

/** A `like` pattern for the databases of one run, or of all. */
export const namesLike = (run?: string): string =>
  run === undefined ? "oppulence\\_test\\_%" : `oppulence\\_test\\_${run}\\_%`;

/** The run that a database belongs to, going by its name. */
export const runOf = (database: string): string | undefined =>
  /^oppulence_test_([0-9a-f]{8})_/.exec(database)?.[1];
