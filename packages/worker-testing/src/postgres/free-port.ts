import { randomInt } from "node:crypto";
import { createServer } from "node:net";

// Below the ranges from which systems take the ports of outgoing connections: a port that is free
// for a moment while the server restarts is then not taken by one of them.
const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 50;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/** Picks a port on 127.0.0.1 that nobody listens on. Somebody may before the caller does: try again. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FIRST, LAST);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port on 127.0.0.1 in ${TRIES} tries between ${FIRST} and ${LAST}`);
};
