import type { RunDecision } from "../contract/decisions.ts";
import type { Outcome, Permit } from "../contract/permit.ts";
import type { HookReport } from "./hook.ts";
import { isPromise, within } from "./hook.ts";

const TIMEOUT_MS = 5_000;

/** The permits of one run. Each is settled exactly once, in reverse order of the grants. */
export class PermitStack {
  readonly #report: HookReport;
  readonly #granted: { plugin: string; permit: Permit }[] = [];

  constructor(report: HookReport) {
    this.#report = report;
  }

  push(plugin: string, permit: Permit): void {
    this.#granted.push({ plugin, permit });
  }

  /** The task ran. */
  commit(outcome: Outcome): Promise<void> {
    return this.#settle((permit) => permit.commit(outcome));
  }

  /** A later plugin stopped the job. */
  rollback(): Promise<void> {
    return this.#settle((permit) => permit.rollback());
  }

  async #settle(end: (permit: Permit) => void | Promise<void>): Promise<void> {
    for (let grant = this.#granted.pop(); grant !== undefined; grant = this.#granted.pop()) {
      const { plugin, permit } = grant;
      try {
        const pending = end(permit);
        if (isPromise(pending)) await within(pending, TIMEOUT_MS, plugin, "permit");
      } catch (error) {
        this.#report.failed(plugin, "permit", error);
      }
    }
  }
}

/** A hook that grants after its timeout: nobody will settle that permit, so it goes back at once. */
export function rollBackLate(
  plugin: string,
  late: RunDecision | undefined | void,
  report: HookReport,
): void {
  if (late?.kind !== "proceed" || late.permit === undefined) return;
  const stack = new PermitStack(report);
  stack.push(plugin, late.permit);
  void stack.rollback();
}
