const always = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "128MB",
  timezone: "UTC",
  log_timezone: "UTC",
};

// `synchronous_commit` stays on: without fsync it costs 8 µs a commit, and a server that crashes
// (`restart` with `immediate`) would otherwise lose the last commits.
const unlessDurable = { fsync: "off", full_page_writes: "off" };

/** The settings of an embedded server as arguments of `postgres`; `custom` wins. */
export const settingArguments = (
  durable: boolean,
  custom: Readonly<Record<string, string>>,
): string[] =>
  Object.entries({ ...always, ...(durable ? {} : unlessDurable), ...custom }).flatMap(
    ([name, value]) => ["-c", `${name}=${value}`],
  );
