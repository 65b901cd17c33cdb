import type { Engine, PluginHost } from "@oppulence/worker-core";
import type { Ledger, OpenEvent, SlotStatus } from "./postgres-ledger.ts";

/** What {@link Maintenance} needs. */
export interface MaintenanceInput {
  readonly host: Pick<PluginHost<unknown>, "query">;
  readonly engine: Pick<Engine, "peek" | "note">;
  readonly ledger: Ledger;
  readonly retentionMs: number;
}

const OPEN_PAGE = 500;
const SWEEP_PAGE = 5_000;

/** Ends ledger rows whose job is gone (a crash on the last attempt fires no hook), and applies the retention. */
export class Maintenance {
  readonly #input: MaintenanceInput;
  #after = "0";

  constructor(input: MaintenanceInput) {
    this.#input = input;
  }

  /** One bounded page of each. */
  async turn(): Promise<void> {
    const { host, ledger, retentionMs } = this.#input;
    const open = await ledger.open(host.query, this.#after, OPEN_PAGE);
    this.#after = open.length < OPEN_PAGE ? "0" : (open.at(-1) as OpenEvent).id;
    if (open.length > 0) await this.#close(open);
    await ledger.sweep(host.query, retentionMs, SWEEP_PAGE);
  }

  async #close(open: readonly OpenEvent[]): Promise<void> {
    const { host, engine, ledger } = this.#input;
    const ids = open.flatMap(({ jobId }) => jobId ?? []);
    const jobs = await engine.peek({ ids, limit: ids.length });
    const records = new Map(jobs.map((record) => [record.job.id, record]));
    const closed: { id: string; status: SlotStatus; error: string }[] = [];
    for (const { id, jobId } of open) {
      const record = jobId === null ? undefined : records.get(jobId);
      if (record !== undefined && record.state !== "failed") continue;
      const note = record === undefined && jobId !== null ? await engine.note(jobId) : record?.note;
      if (record !== undefined)
        closed.push({ id, status: "failed", error: note?.message ?? "no attempt is left" });
      else if (note?.kind === "skipped")
        closed.push({ id, status: "skipped", error: note.message });
      else
        closed.push({
          id,
          status: "failed",
          error: "its job is gone, and nobody told how it ended",
        });
    }
    if (closed.length > 0) await ledger.close(host.query, closed);
  }
}
