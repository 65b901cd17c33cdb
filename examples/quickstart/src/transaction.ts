import type { WithPgClient } from "graphile-worker";
import type { ClientBase } from "pg";

/** Runs `body` in one transaction: committed when it resolves, rolled back when it throws. */
export function inTransaction<T>(
  withPgClient: WithPgClient,
  body: (client: ClientBase) => Promise<T>,
): Promise<T> {
  return withPgClient(async (client) => {
    await client.query("begin");
    try {
      const result = await body(client);
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback");
      throw error;
    }
  });
}
