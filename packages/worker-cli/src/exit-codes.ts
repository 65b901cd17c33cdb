/**
 * What the process exits with. A command that a signal ended before it was done exits with 128 + the
 * signal's number, as shells do: 130 for Ctrl-C, 143 for SIGTERM.
 */
export const EXIT = {
  /** Done. For `run`: stopped cleanly, by a signal or by itself. */
  ok: 0,
  /** Something failed, or a check found problems. */
  failed: 1,
  /** Bad input: an unknown command or option, a wrong value, no config or one that cannot be used. */
  usage: 2,
  /** Nothing matched. */
  nothing: 3,
} as const;
