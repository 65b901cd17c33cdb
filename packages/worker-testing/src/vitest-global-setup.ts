import { postgresGlobalSetup } from "./postgres/vitest-global-setup.ts";

export {
  type PostgresGlobalSetupOptions,
  postgresGlobalSetup,
} from "./postgres/vitest-global-setup.ts";

/** What vitest calls when this file is named in `test.globalSetup`. */
export const setup = postgresGlobalSetup();
