import {
  type Client,
  isMigrationsPendingError,
  type MigrationRef,
  type MigrationReport,
} from "@oppulence/worker-core";
import type { CommandDefinition } from "../definition.ts";
import { EXIT } from "../exit-codes.ts";
import type { CliIo } from "../io/command-io.ts";

/** `migrate`: brings the database up to what the installed packages need. */
export const migrateCommand: CommandDefinition = {
  name: "migrate",
  description: "apply the migrations of graphile-worker, the core and the plugins",
  options: [
    {
      flags: "--verify",
      description: "apply nothing; exit 1 and name each migration that is missing",
    },
  ],
  examples: ["migrate", "migrate --verify --json"],
  async run({ options, io, session }) {
    const client = await session.client();
    return options.verify === true ? verify(client, io) : apply(client, io);
  },
};

async function apply(client: Client, io: CliIo): Promise<number> {
  const bar = io.progress("migrating");
  let report: MigrationReport;
  try {
    report = await client.migrate("auto", ({ done }) => bar.update(done));
  } finally {
    bar.done();
  }
  const { applied, alreadyApplied, ahead } = report;
  if (io.json) io.data({ applied: applied.map(toRow), alreadyApplied, ahead: ahead.map(toRow) });
  else {
    if (applied.length > 0) io.table(applied.map(toRow), ["plugin", "migration"]);
    io.line(`${applied.length} applied now, ${alreadyApplied} before`);
  }
  return EXIT.ok;
}

async function verify(client: Client, io: CliIo): Promise<number> {
  const { applied, pending } = await inspect(client);
  if (io.json) io.data({ applied, pending });
  else if (pending.length > 0) {
    io.table(pending, ["plugin", "migration"]);
    io.line(`${pending.length} pending: run \`oppulence-worker migrate\``);
  } else io.line(`nothing is pending, ${applied} are applied`);
  return pending.length > 0 ? EXIT.failed : EXIT.ok;
}

interface Row extends Record<string, unknown> {
  readonly plugin: string;
  readonly migration: string;
}

/** Migrations that the database has, when nothing is missing; else those that it lacks. */
interface Inspection {
  readonly applied: number | undefined;
  readonly pending: readonly Row[];
}

async function inspect(client: Client): Promise<Inspection> {
  try {
    const { alreadyApplied } = await client.migrate("verify");
    return { applied: alreadyApplied, pending: [] };
  } catch (error) {
    if (!isMigrationsPendingError(error)) throw error;
    return { applied: undefined, pending: error.pending.map(toRow) };
  }
}

function toRow({ plugin, id, name }: MigrationRef): Row {
  return { plugin, migration: `${String(id).padStart(6, "0")}_${name}` };
}
