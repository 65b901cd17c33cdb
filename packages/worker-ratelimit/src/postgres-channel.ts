import { Channel, type PluginHost, systemClock } from "@oppulence/worker-core";

/** The name that the functions of the migration notify. */
const CHANNEL = "oppulence_worker_ratelimit";

/** What hearing of other processes needs. */
export type ChannelHost = Pick<PluginHost, "pool" | "logger">;

/**
 * Hears of overrides and of callers' turns.
 *
 * @param schema - ours, escaped: another one in the same database has limits of its own
 */
export function openChannel(
  { pool, logger }: ChannelHost,
  schema: string,
  on: { readonly overrides: () => void; readonly turns: (ids: readonly string[]) => void },
): Channel {
  return new Channel({
    name: CHANNEL,
    topic: "limits",
    pool,
    // Connections and other processes know nothing of a clock that tests inject.
    clock: systemClock,
    logger,
    onMessage(payload) {
      const [ofSchema, id] = JSON.parse(payload) as [string, string | undefined];
      if (ofSchema !== schema) return;
      if (id === undefined) on.overrides();
      else on.turns([id]);
    },
    async onAlive(query) {
      await query("select 1");
      // What was said while nobody heard is lost.
      on.overrides();
    },
  });
}
