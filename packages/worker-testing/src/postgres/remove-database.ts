import type { ClientBase, Pool } from "pg";

/** Drops a database made here, with everything that is connected to it. Does nothing if it is gone. */
export const removeDatabase = (server: Pool | ClientBase, name: string): Promise<unknown> =>
  server.query(`drop database if exists ${name} with (force)`);
