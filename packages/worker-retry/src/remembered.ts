import type { Job } from "@oppulence/worker-core";
import type { Claim } from "./cancel-message.ts";

/** Claims that wait in a local queue are few; what is beyond this is forgotten, oldest first. */
const MOST = 10_000;

/** Claims that were cancelled before their job was started. */
export class Remembered {
  readonly #claims = new Map<string, { readonly claim: Claim; readonly reason: string }>();

  add(claim: Claim, reason: string): void {
    this.#claims.set(claim.id, { claim, reason });
    if (this.#claims.size <= MOST) return;
    const [oldest] = this.#claims.keys();
    this.#claims.delete(oldest as string);
  }

  /**
   * Why the claim of a job that starts was cancelled. A later claim of the same job is another one: whoever
   * brought the job back meant it.
   */
  take({ id, locked_by: pool, locked_at: at }: Job): string | undefined {
    const found = this.#claims.get(id);
    if (found === undefined) return undefined;
    // Whichever claim starts, the remembered one has ended or is this.
    this.#claims.delete(id);
    const isSame = found.claim.pool === pool && found.claim.lockedAtMs === at?.getTime();
    return isSame ? found.reason : undefined;
  }

  /** @returns whether it was still there */
  forget({ id }: Claim): boolean {
    return this.#claims.delete(id);
  }

  /** What a pool held is given back when it ends. */
  forgetPool(pool: string): void {
    for (const [id, { claim }] of this.#claims) if (claim.pool === pool) this.#claims.delete(id);
  }
}
