import type { Job, PluginApis, PluginHost } from "@oppulence/worker-core";

/** What is needed of the plugin `dlq`, if it is installed. */
export interface DeadLetters {
  moveToDeadLetter(
    job: Job,
    why: { readonly reason: string; readonly error: unknown },
  ): Promise<unknown>;
}

/** The API of the plugin `dlq`; undefined without it. */
export function deadLettersOf(host: Pick<PluginHost, "plugin">): DeadLetters | undefined {
  // Its package is not known here, so its type is not either.
  const api = host.plugin("dlq" as keyof PluginApis) as Partial<DeadLetters> | undefined;
  return typeof api?.moveToDeadLetter === "function" ? (api as DeadLetters) : undefined;
}
