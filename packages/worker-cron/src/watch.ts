import { messageOf, type PluginHost } from "@oppulence/worker-core";
import type { Parts } from "./parts.ts";

/** What {@link Watch} needs. */
export interface WatchInput {
  readonly parts: Pick<Parts, "reconciler" | "firing" | "maintenance" | "metrics">;
  readonly logger: PluginHost["logger"];
}

/** Heals drift and keeps the ledger tidy, turn by turn, and says how well that goes. */
export class Watch {
  readonly #input: WatchInput;
  #problem: string | undefined;

  constructor(input: WatchInput) {
    this.#input = input;
  }

  /** What is wrong with it. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The code's schedules have changed just now. Where the database is away, the next turn tells it. Never rejects. */
  async change(): Promise<void> {
    const { parts, logger } = this.#input;
    try {
      await parts.reconciler.reconcile({ isNew: true });
    } catch (error) {
      parts.metrics.errors.add(1, { what: "reconcile" });
      this.#problem = `could not apply changed schedules yet: ${messageOf(error)}`;
      logger.error(this.#problem, { error });
    }
  }

  /** Never rejects. */
  async turn(): Promise<void> {
    const { parts, logger } = this.#input;
    try {
      await parts.reconciler.watch();
      parts.firing.forgetLeft();
      await parts.maintenance.turn();
      this.#problem = undefined;
    } catch (error) {
      parts.metrics.errors.add(1, { what: "reconcile" });
      const message = `could not look for drift: ${messageOf(error)}`;
      if (this.#problem === undefined) logger.error(message, { error });
      this.#problem = message;
    }
  }
}
