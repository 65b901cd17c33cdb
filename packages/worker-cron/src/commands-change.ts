import type { Command } from "@oppulence/worker-core";
import type { CronApi } from "./api.ts";
import { FOUND_NOTHING, readJson, readTime, text } from "./command-values.ts";

const KEY = { name: "<key>", description: "the schedule's key" };

/** `schedule run`, `pause`, `resume` and `backfill`: they change something. */
export function changeCommands(api: CronApi): Command[] {
  const run: Command = {
    name: "schedule run",
    description: "run a schedule now, also one that is paused",
    arguments: [KEY],
    options: [{ flags: "--payload <json>", description: "instead of its own" }],
    async run({ args, options, io }) {
      const given = readJson(options["payload"], "--payload");
      const payload = given === undefined ? {} : { payload: given };
      const { jobId, scheduledAt } = await api.schedules.trigger(args["key"] as string, payload);
      if (io.json) io.record({ jobId, scheduledAt });
      io.line(`added job ${jobId}`);
    },
  };
  const pause: Command = {
    name: "schedule pause",
    description: "have a schedule not fire until it is resumed; a deploy leaves it paused",
    arguments: [KEY],
    options: [{ flags: "--reason <text>", description: "shown in the list" }],
    async run({ args, options, io }) {
      await api.schedules.pause(args["key"] as string, text(options["reason"]));
      io.line(`paused ${args["key"]}`);
    },
  };
  const resume: Command = {
    name: "schedule resume",
    description: "have a paused schedule fire again, from its next slot on",
    arguments: [KEY],
    async run({ args, io }) {
      await api.schedules.resume(args["key"] as string);
      io.line(`resumed ${args["key"]}`);
    },
  };
  const backfill: Command = {
    name: "schedule backfill",
    description:
      "run slots of a time that is past: those that were missed or skipped, or are not in the ledger",
    arguments: [KEY],
    options: [
      { flags: "--from <time>", description: "2026-03-01T10:00:00Z, or 2h ago as 2h" },
      { flags: "--to <time>", description: "now unless given" },
      { flags: "--dry-run", description: "only count" },
    ],
    async run({ args, options, io }) {
      const now = Date.now();
      const from = readTime(options["from"] ?? "", "--from", now) as Date;
      const to = readTime(options["to"], "--to", now) ?? new Date(now);
      const key = args["key"] as string;
      const found = await api.backfill(key, { from, to, dryRun: true });
      if (options["dryRun"] === true || found.slots === 0) {
        io.line(`${found.slots} slots`);
        return found.slots === 0 ? FOUND_NOTHING : 0;
      }
      if (!(await io.confirm(`Run up to ${found.slots} slots of ${key}?`))) return 1;
      const bar = io.progress("adding", found.slots);
      try {
        const onProgress = (done: number) => bar.update(done);
        const report = await api.backfill(key, { from, to, signal: io.signal, onProgress });
        bar.done();
        if (io.json) io.record({ ...report });
        io.line(`added ${report.added} runs for ${report.slots} slots`);
        return 0;
      } finally {
        bar.done();
      }
    },
  };
  return [run, pause, resume, backfill];
}
