import {
  type AnyPlugin,
  definePlugin,
  defineTask,
  type PluginInstance,
  type WorkerOptions,
} from "@oppulence/worker-core";
import { z } from "zod";

/** A task with a schema. */
export const email = defineTask({
  identifier: "send_email",
  payload: z.object({ to: z.string().min(3) }),
  run: () => {},
});

/** A task that takes anything. */
export const anything = defineTask({ identifier: "anything", run: () => {} });

/** A plugin with what a test needs of it. */
export function plugin(name: string, instance: PluginInstance = {}): AnyPlugin {
  return definePlugin({ name, producers: "not-covered", setup: () => instance });
}

/** A config for a database. */
export function config(
  connectionString: string | undefined,
  ...plugins: AnyPlugin[]
): WorkerOptions {
  return {
    ...(connectionString === undefined ? {} : { connectionString }),
    tasks: [email, anything],
    plugins,
    config: false,
  };
}
