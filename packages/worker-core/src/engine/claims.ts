/** What `pg` gives of a claim: graphile-worker's rows. */
interface ClaimedRow {
  readonly id: string;
  readonly locked_at: Date | null;
}

/** Jobs that a pool of the engine has been handed and has not yet written the end of. */
export class Claims {
  /** Instant of the claim, by id. Not the rows: a `Map` under constant change keeps its values from being collected. */
  private readonly held = new Map<string, number | undefined>();

  /** The database has answered a claim. */
  add(rows: readonly ClaimedRow[]): void {
    for (const row of rows) this.held.set(row.id, row.locked_at?.getTime());
  }

  /** The end of these claims has been written. */
  delete(ids: readonly string[]): void {
    for (const id of ids) this.held.delete(id);
  }

  /** Somebody else has written the end of this very claim; the job may be claimed anew by now. */
  forget(job: ClaimedRow): void {
    if (this.held.get(job.id) === job.locked_at?.getTime()) this.held.delete(job.id);
  }

  ids(): string[] {
    return [...this.held.keys()];
  }
}

/**
 * Lets claims through, and stops them while it is found out what a claim without an answer has taken.
 *
 * A connection that breaks during a claim leaves it open whether the claim was committed. If it was, its
 * jobs are locked by this pool and nobody runs them. Only when no claim is under way can they be told from
 * those whose answer is still coming.
 */
export class ClaimGate {
  private readonly reconcile: () => Promise<void>;
  private underWay = 0;
  private mending: Promise<void> | undefined;
  private idle: (() => void) | undefined;

  /** @param reconcile - gives back what the pool holds and was never handed */
  constructor(reconcile: () => Promise<void>) {
    this.reconcile = reconcile;
  }

  /** Whether a claim has to wait. */
  get closed(): boolean {
    return this.mending !== undefined;
  }

  /** Makes a claim. */
  async claim<T>(claim: () => Promise<T>): Promise<T> {
    while (this.closed) await this.mending;
    this.underWay++;
    try {
      return await claim();
    } finally {
      this.underWay--;
      if (this.underWay === 0) this.idle?.();
    }
  }

  /** A claim got no answer. Resolves once claims may go on. */
  mend(): Promise<void> {
    this.mending ??= this.mendNow().finally(() => {
      this.mending = undefined;
    });
    return this.mending;
  }

  private async mendNow(): Promise<void> {
    if (this.underWay > 0) {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
      });
      this.idle = undefined;
    }
    await this.reconcile();
  }
}
