import type { AddJobOptions, EnqueueResult, JobKeyMode } from "@oppulence/worker-core";
import type { CommandDefinition } from "../../definition.ts";
import { EXIT } from "../../exit-codes.ts";
import type { CliIo } from "../../io/command-io.ts";
import { readPayload } from "../../values/read-payload.ts";
import {
  integerOption,
  listOption,
  type OptionValues,
  readLabels,
  readTime,
  textOption,
} from "../../values/read-values.ts";
import { ATTEMPTS_RANGE, PRIORITY_RANGE } from "./ranges.ts";

const KEY_MODES = [
  "replace",
  "preserve_run_at",
  "unsafe_dedupe",
] as const satisfies readonly JobKeyMode[];

/** `jobs add`: one job, through the task's schema and every plugin. */
export const addCommand: CommandDefinition = {
  name: "jobs add",
  description:
    "add a job, checked by the task's schema and passed through every plugin, as an application would",
  arguments: [{ name: "<task>", description: "the task's identifier" }],
  options: [
    {
      flags: "--payload <json>",
      description: "JSON, @file for a file, - for standard input; {} unless given",
    },
    { flags: "--key <key>", description: "job key: at most one waiting job has it" },
    {
      flags: "--key-mode <mode>",
      description: "what happens to a job with the same key; replace unless given",
      choices: KEY_MODES,
    },
    { flags: "--queue <name>", description: "jobs of one queue run one at a time" },
    { flags: "--run-at <instant>", description: "not before: ISO 8601 with a zone" },
    { flags: "--in <duration>", description: "not before so long from now: 30s, 5m" },
    { flags: "--priority <number>", description: "smaller runs sooner: -32768 to 32767" },
    { flags: "--max-attempts <number>", description: "1 to 32767" },
    { flags: "--label <name=value>", description: "a label; may be repeated", repeatable: true },
    {
      flags: "--flag <flag>",
      description: "a plain graphile-worker flag; may be repeated",
      repeatable: true,
    },
  ],
  examples: [
    'jobs add send_email --payload \'{"to":"ada@example.com"}\'',
    "jobs add import --payload @rows.json --label tenant=acme --in 10m",
  ],
  async run({ args, options, io, session }) {
    const payload = await readPayload(textOption(options, "payload"), session.input.cwd, io.input);
    const fixed = readOptions(options);
    const client = await session.connected();
    const runAt = await readTime(options, "runAt", client.query);
    const result = await client.addJob(args["task"] as string, payload, { ...fixed, runAt });
    tell(result, io);
    return EXIT.ok;
  },
};

function readOptions(options: OptionValues): AddJobOptions {
  return {
    jobKey: textOption(options, "key"),
    jobKeyMode: textOption(options, "keyMode") as JobKeyMode | undefined,
    queueName: textOption(options, "queue"),
    priority: integerOption(options, "priority", PRIORITY_RANGE),
    maxAttempts: integerOption(options, "maxAttempts", ATTEMPTS_RANGE),
    labels: readLabels(listOption(options, "label")),
    flags: listOption(options, "flag"),
  };
}

function tell(result: EnqueueResult, io: CliIo): void {
  if (io.json) io.data(result);
  else if (result.status === "added") io.line(`added job ${result.id}`);
  else {
    const { plugin, message } = result.reason;
    const instead = result.existing === undefined ? "" : `; job ${result.existing} stands for it`;
    io.line(`not added: dropped by ${plugin}: ${message}${instead}`);
  }
}
