import type { Client } from "pg";
import { until } from "../harness/until.ts";
import { withClient } from "../postgres/with-client.ts";

/** How long a statement of a process that is dead may go on by itself: it may wait for somebody's lock. */
const PATIENCE_MS = 2_000;
const TIMEOUT_MS = 10_000;

/** The `application_name` of a child's connections. */
export const sessionName = (pid: number): string => `oppulence-child-${pid}`;

/**
 * Waits until the database has ended the sessions of a child that is dead. What such a process had sent goes
 * on without it: a claim, say, that takes a job for its pool after everything of that pool was given back.
 */
export async function sessionsEnded(url: string, pid: number): Promise<void> {
  try {
    await withClient(url, (client) => ended(client, pid));
  } catch {
    // The server is down or the database is gone, and with it all sessions.
  }
}

async function ended(client: Client, pid: number): Promise<void> {
  const sessions = async (select: string) => {
    const { rows } = await client.query(
      `select ${select} from pg_stat_activity where datname = current_database() and application_name = $1`,
      [sessionName(pid)],
    );
    return rows.length === 0 ? true : undefined;
  };
  if (await until(() => sessions("pid"), { timeoutMs: PATIENCE_MS })) return;
  await sessions("pg_terminate_backend(pid)");
  await until(() => sessions("pid"), { timeoutMs: TIMEOUT_MS });
}
