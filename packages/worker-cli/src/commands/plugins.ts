import type { Client, Composition, HealthReport } from "@oppulence/worker-core";
import { composeOffline } from "../check/compose-offline.ts";
import type { CommandDefinition } from "../definition.ts";
import { EXIT } from "../exit-codes.ts";
import type { CliIo } from "../io/command-io.ts";
import { messageOf } from "../message-of.ts";
import type { Session } from "../session.ts";
import { orderLines, pluginColumns, viewPlugins } from "./plugin-view.ts";

/** `plugins`: what is installed, in which order it acts, and how it is. */
export const pluginsCommand: CommandDefinition = {
  name: "plugins",
  description:
    "list plugins: order and phase in each hook, what holds for jobs added by SQL, health; exits 1 when one is down",
  options: [{ flags: "--offline", description: "leave health out, do not connect" }],
  examples: ["plugins", "plugins --offline --json"],
  async run({ options, io, session }) {
    if (options["offline"] === true) {
      tell(await offlineComposition(session), undefined, io);
      return EXIT.ok;
    }
    const client = await session.client();
    const health = await healthOf(client, io, session);
    tell(client.composition, health, io);
    return health === undefined || health.status === "down" ? EXIT.failed : EXIT.ok;
  },
};

async function offlineComposition(session: Session): Promise<Composition> {
  const { options } = await session.config();
  return composeOffline(options, session.input);
}

/** Undefined when the database does not answer: then nothing is known of the plugins either. */
async function healthOf(
  client: Client,
  io: CliIo,
  session: Session,
): Promise<HealthReport | undefined> {
  try {
    await session.connected();
  } catch (error) {
    io.warn(`${messageOf(error)}; health is left out`);
    return undefined;
  }
  try {
    await session.started();
  } catch (error) {
    io.warn(`not started: ${messageOf(error)}`);
  }
  return client.health();
}

/** Parts of a health report that are not a plugin's. */
const OWN_PARTS = ["database", "start"];

function tell(composition: Composition, health: HealthReport | undefined, io: CliIo): void {
  const plugins = viewPlugins(composition, health);
  const parts = OWN_PARTS.flatMap((name) => {
    const part = health?.parts[name];
    return part === undefined ? [] : [{ name, ...part }];
  });
  if (io.json) {
    io.data(health === undefined ? { plugins } : { plugins, status: health.status, parts });
    return;
  }
  if (plugins.length === 0) io.line("no plugins are installed");
  else io.table(plugins, pluginColumns(health));
  for (const line of orderLines(composition)) io.line(line);
  for (const { name, status, detail } of parts) {
    io.line(`${name}: ${status}${detail === undefined ? "" : `, ${detail}`}`);
  }
}
