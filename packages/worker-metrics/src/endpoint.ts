import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HealthReport } from "@oppulence/worker-core";
import { MetricsEndpointError } from "./errors.ts";
import type { AnyRegistry } from "./options.ts";

const CLOSE_MS = 1_000;
const REQUEST_MS = 10_000;
const JSON_TYPE = "application/json; charset=utf-8";

/** Where an endpoint listens. */
export interface EndpointAddress {
  readonly host: string;
  /** The port itself where the option was 0. */
  readonly port: number;
  /** `http://host:port`, without a path. */
  readonly url: string;
}

/** What is served, and where. */
export interface EndpointInput {
  readonly host: string;
  readonly port: number;
  /** Path of the metrics. */
  readonly path: string;
  readonly registry: AnyRegistry;
  readonly health: () => Promise<HealthReport>;
  readonly onError: (path: string, error: unknown) => void;
}

/** An endpoint that listens. */
export interface Endpoint {
  readonly address: EndpointAddress;
  /** Answers what has been asked, a second at most, and frees the port. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Serves metrics and health over HTTP. It does not keep the process alive.
 *
 * @throws MetricsEndpointError when the port or host cannot be listened on
 */
export async function serveEndpoint(input: EndpointInput): Promise<Endpoint> {
  const answer = answers(input);
  const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
    void respond(request, response, answer, input);
  });
  await listen(server, input);
  server.unref();
  const { address: host, port } = server.address() as AddressInfo;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return { address: { host, port, url }, close: () => close(server) };
}

function listen(server: Server, { host, port }: EndpointInput): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(new MetricsEndpointError(host, port, cause)));
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

type Routes = ReadonlyMap<string, () => Answer | Promise<Answer>>;

function answers({ path, registry, health }: EndpointInput): Routes {
  // Probes may come faster than the database answers: they share one look at it.
  let asking: Promise<HealthReport> | undefined;
  const ask = () => {
    asking ??= health().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  return new Map<string, () => Answer | Promise<Answer>>([
    [
      path,
      async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
    ],
    ["/healthz", () => json(200, { status: "ok" })],
    [
      "/readyz",
      async () => {
        const report = await ask();
        return json(report.status === "down" ? 503 : 200, report);
      },
    ],
  ]);
}

function json(status: number, value: unknown): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  { onError }: EndpointInput,
): Promise<void> {
  const [path = ""] = (request.url ?? "").split("?");
  const route = routes.get(path);
  if (route === undefined) {
    return send(
      response,
      json(404, { error: `no such path; there are ${[...routes.keys()].join(", ")}` }),
    );
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return send(response, json(405, { error: "only GET and HEAD are answered" }));
  }
  try {
    send(response, await route());
  } catch (error) {
    onError(path, error);
    send(response, json(500, { error: "could not be read; the worker's log says why" }));
  }
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}
