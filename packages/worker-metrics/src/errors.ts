import { hasCode, readProperty } from "@oppulence/worker-core";

/**
 * An instrument was asked for in a way that does not fit its name, or was given a value or a label that does
 * not fit the instrument.
 */
export class InvalidMetricError extends Error {
  readonly code = "INVALID_METRIC";
  override readonly name = "InvalidMetricError";
  /** The metric's name, as it was given. */
  readonly metric: string;

  /**
   * @param metric - the metric's name
   * @param problem - what was got and what would be right
   */
  constructor(metric: string, problem: string) {
    super(`metric ${JSON.stringify(metric)}: ${problem}`);
    this.metric = metric;
  }
}

/** Whether an error is an {@link InvalidMetricError}, of whichever copy of the package. */
export function isInvalidMetricError(error: unknown): error is InvalidMetricError {
  return hasCode(error, "INVALID_METRIC");
}

/** The HTTP endpoint could not be opened: the port is in use, not allowed, or the host is not this machine's. */
export class MetricsEndpointError extends Error {
  readonly code = "METRICS_ENDPOINT_FAILED";
  override readonly name = "MetricsEndpointError";
  readonly host: string;
  readonly port: number;

  /**
   * @param host - the host that was to be listened on
   * @param port - the port that was to be listened on
   * @param cause - the error of `node:http`
   */
  constructor(host: string, port: number, cause: unknown) {
    super(`metrics endpoint: ${problemOf(host, port, cause)}`, { cause });
    this.host = host;
    this.port = port;
  }
}

/** Whether an error is a {@link MetricsEndpointError}, of whichever copy of the package. */
export function isMetricsEndpointError(error: unknown): error is MetricsEndpointError {
  return hasCode(error, "METRICS_ENDPOINT_FAILED");
}

function problemOf(host: string, port: number, cause: unknown): string {
  switch (readProperty(cause, "code")) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use, perhaps by another worker on this machine; set the option port to another one (0 takes a free one), or endpoint to false`;
    case "EACCES":
      return `port ${port} on ${host} may not be opened by this user; set the option port to one above 1023`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `host ${JSON.stringify(host)} is no address of this machine; set the option host to one, such as "127.0.0.1", or "0.0.0.0" for all`;
    default:
      return `could not listen on ${host}, port ${port}: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
