import type { RunDecision } from "../contract/decisions.ts";
import type { Outcome, Permit } from "../contract/permit.ts";
import type { HookReport } from "./hook.ts";
import { isPromise, within } from "./hook.ts";

const TIMEOUT_MS = 5_000;

interface Grant {
  readonly plugin: string;
  readonly permit: Permit;
}

/** The permits of one run. Each is settled exactly once, in reverse order of the grants. */
export class PermitStack {
  private readonly report: HookReport;
  private readonly grants: Grant[] = [];

  constructor(report: HookReport) {
    this.report = report;
  }

  push(plugin: string, permit: Permit): void {
    this.grants.push({ plugin, permit });
  }

  /**
   * The task ran.
   *
   * @returns a promise only where a permit gave one: this is on the hot path
   */
  commit(outcome: Outcome): Promise<void> | undefined {
    const { grants } = this;
    for (let grant = grants.pop(); grant !== undefined; grant = grants.pop()) {
      let pending: unknown;
      try {
        pending = grant.permit.commit(outcome);
      } catch (error) {
        this.report.failed(grant.plugin, "permit", error);
      }
      if (isPromise(pending)) return this.await(grant, pending).then(() => this.commit(outcome));
    }
    return undefined;
  }

  /** A later plugin stopped the job. */
  async rollback(): Promise<void> {
    const { grants } = this;
    for (let grant = grants.pop(); grant !== undefined; grant = grants.pop()) {
      try {
        const pending: unknown = grant.permit.rollback();
        if (isPromise(pending)) await this.await(grant, pending);
      } catch (error) {
        this.report.failed(grant.plugin, "permit", error);
      }
    }
  }

  private async await({ plugin }: Grant, pending: Promise<unknown>): Promise<void> {
    try {
      await within(pending, TIMEOUT_MS, plugin, "permit");
    } catch (error) {
      this.report.failed(plugin, "permit", error);
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
