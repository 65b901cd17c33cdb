import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Requests a second that it answers, and at once after a pause; beyond that they are told 429. */
const PER_SECOND = 60;
const BURST = 20;
/** It goes down after so many answers. */
const DOWN_AFTER = 40;
/** It is down for so long, and tells requests 503. */
export const DOWN_MS = 2_500;
const KEEP_ALIVE_MS = 60_000;
/** Of the axis of the Earth. */
const TILT = (23.44 * Math.PI) / 180;

/** What the almanac was asked, by its own count. */
export interface AlmanacCalls {
  readonly answered: number;
  /** Over its limit: 429. */
  readonly overLimit: number;
  /** While it was down: 503. */
  readonly whileDown: number;
}

/** Somebody else's service, as the demo has it: it is limited, and goes down for a moment. */
export interface Almanac {
  readonly url: string;
  readonly calls: () => AlmanacCalls;
  close(): void;
}

/**
 * Starts an HTTP server on this machine that says how long the longest day is at a latitude.
 *
 * @param clock - in milliseconds
 */
export async function startAlmanac(
  clock: () => number = () => performance.now(),
): Promise<Almanac> {
  const calls = { answered: 0, overLimit: 0, whileDown: 0 };
  let downUntil: number | undefined;
  let left = BURST;
  let filledAt = clock();
  const hasRoom = () => {
    const now = clock();
    left = Math.min(BURST, left + ((now - filledAt) / 1_000) * PER_SECOND);
    filledAt = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
  const statusOf = () => {
    if (calls.answered === DOWN_AFTER) downUntil ??= clock() + DOWN_MS;
    if (downUntil !== undefined && clock() < downUntil) {
      calls.whileDown += 1;
      return 503;
    }
    if (!hasRoom()) {
      calls.overLimit += 1;
      return 429;
    }
    calls.answered += 1;
    return 200;
  };
  // Idle connections outlast the outage: a call that meets one as it is closed would fail, uncounted here.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, ({ url }, response) => {
    const latitude = Number(new URL(url ?? "/", "http://almanac").searchParams.get("latitude"));
    const status = statusOf();
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(status === 200 ? { hours: longestDay(latitude) } : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => ({ ...calls }),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Hours from sunrise to sunset at the summer solstice. */
function longestDay(latitude: number): number {
  const cosine = -Math.tan((Math.abs(latitude) * Math.PI) / 180) * Math.tan(TILT);
  return cosine <= -1 ? 24 : (24 / Math.PI) * Math.acos(cosine);
}
