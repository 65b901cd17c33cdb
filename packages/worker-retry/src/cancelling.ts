import {
  Channel,
  type PluginHost,
  parseDuration,
  type Query,
  systemClock,
} from "@oppulence/worker-core";
import { Cancels } from "./cancel.ts";
import { CANCEL_CHANNEL, decodeMessage } from "./cancel-message.ts";
import type { ResolvedRetryOptions } from "./options.ts";

/** How one worker or client cancels jobs and is told to. */
export interface Cancelling {
  readonly cancels: Cancels;
  /** What a worker hears of other processes by; undefined in a client, and with `listen: false`. */
  readonly channel: Channel | undefined;
}

/**
 * Makes a {@link Cancelling}; nothing is connected before its channel is started.
 *
 * @param onAlive - called with the channel's connection when it is made, and every minute
 */
export function createCancelling(
  host: PluginHost<ResolvedRetryOptions>,
  onAlive: (query: Query) => Promise<void>,
): Cancelling {
  const { options, pool, logger } = host;
  const input = {
    name: CANCEL_CHANNEL,
    topic: "cancelled jobs",
    pool,
    // Connections and other processes know nothing of a clock that tests inject.
    clock: systemClock,
    random: options.random,
    logger,
    onMessage(payload: string) {
      const message = decodeMessage(payload);
      if (message !== undefined) cancels.receive(message);
    },
  };
  const channel =
    host.mode === "worker" && options.listen ? new Channel({ ...input, onAlive }) : undefined;
  const cancels: Cancels = new Cancels({
    host,
    clock: systemClock,
    timeoutMs: parseDuration(options.cancelTimeout, "cancelTimeout"),
    whileListening: async (body) => {
      if (channel?.isListening === true) return body();
      const own = new Channel(input);
      await own.start();
      try {
        return await body();
      } finally {
        await own.stop();
      }
    },
  });
  return { cancels, channel };
}
