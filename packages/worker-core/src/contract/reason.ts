/** What a plugin says of a decision that stops a job; the core adds the plugin's name. */
export interface ReasonInput {
  /** For programs: upper snake case, one of a small fixed set, such as `"RATE_LIMITED"`. */
  readonly code: string;
  /** For people: one sentence that names what is waited for. */
  readonly message: string;
}

/** Why a job does not run: carried by every decision that stops one, kept in its note, shown by `explain`. */
export interface Reason extends ReasonInput {
  /** The name of the plugin that decided, or `"core"`. */
  readonly plugin: string;
}
