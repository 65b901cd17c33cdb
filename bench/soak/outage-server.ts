import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";

/** A call as the dependency saw it: which job's, which attempt of it, and whether it was answered. */
export interface Seen {
  readonly job: string;
  readonly attempt: number;
  readonly answered: boolean;
}

/** A dependency on loopback that is down when it is told to be. */
export interface Dependency {
  readonly url: string;
  /** Every call that reached it, in order. */
  readonly calls: readonly Seen[];
  /** Calls that reached it while it is, or was last, down. */
  readonly failed: () => number;
  /** From now on, one call gets a 503, the next one's connection is reset. */
  down(): void;
  up(): void;
  close(): void;
}

/** Calls take longer than nothing, so that some are under way when it goes down. */
const ANSWER_MS = 40;
const REFUSE_MS = 5;

/** Starts a {@link Dependency} that is up; a call says its job and attempt in the path: `/<job>/<attempt>`. */
export async function startDependency(): Promise<Dependency> {
  const calls: Seen[] = [];
  let isDown = false;
  let failed = 0;
  const server = createServer(({ url = "" }, response) => {
    const [, job = "", attempt = ""] = url.split("/");
    // What it is when the call arrives decides: a call that is under way when it goes down is answered.
    calls.push({ job, attempt: Number(attempt), answered: !isDown });
    if (!isDown) {
      setTimeout(() => response.writeHead(200).end(), ANSWER_MS);
      return;
    }
    failed += 1;
    setTimeout(failed % 2 === 0 ? reset : refuse, REFUSE_MS, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    failed: () => failed,
    down() {
      failed = 0;
      isDown = true;
    },
    up() {
      isDown = false;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function refuse(response: ServerResponse): void {
  response.writeHead(503).end();
}

function reset(response: ServerResponse): void {
  response.socket?.destroy();
}
