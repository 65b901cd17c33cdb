import { SCOPE } from "./repo.ts";

/**
 * The two packages that others may know: the core that all stand on, and in tests the one that tests
 * them. Every other package is known to none.
 */
export const CORE = `${SCOPE}worker-core`;
const TESTING = `${SCOPE}worker-testing`;

/** What a package may know of this repo, in its sources and in its tests. */
export const allowed = (name: string): { sources: Set<string>; tests: Set<string> } => {
  const sources = name === CORE ? [name] : [name, CORE];
  return { sources: new Set(sources), tests: new Set([...sources, TESTING]) };
};
