import { type Query, type Transaction, toQuery } from "@oppulence/worker-core";
import { NotFoundError } from "./errors.ts";
import type { Mover } from "./mover.ts";
import type { Move } from "./moves.ts";

/**
 * Does something to a run by a function whose first move is its verdict.
 *
 * @param client - the caller's transaction; one of its own unless given
 * @throws NotFoundError when no run has the id
 */
export async function callRun(
  mover: Mover,
  id: string,
  client: Transaction | undefined,
  work: (query: Query) => Promise<Move[]>,
): Promise<Move> {
  const moves = await mover.move(work, client === undefined ? undefined : toQuery(client));
  const verdict = moves.find(({ what }) => what === "verdict") as Move;
  if (verdict.state === "unknown") throw noRun(id);
  return verdict;
}

/** That no run has an id. */
export function noRun(id: string): NotFoundError {
  return new NotFoundError(`no run has the id ${JSON.stringify(id)}`);
}
