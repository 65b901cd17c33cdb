/** The text of anything that was thrown; never throws itself, never empty. */
export function messageOf(error: unknown): string {
  try {
    const { message, errors } = (error ?? {}) as { message?: unknown; errors?: unknown };
    if (typeof message === "string" && message !== "") return message;
    // What Node throws when every address of a host refused has no message of its own.
    if (Array.isArray(errors) && errors.length > 0) {
      return [...new Set(errors.map(messageOf))].join(", ");
    }
    return String(error) || "an error without a message";
  } catch {
    return "an error that cannot be printed";
  }
}
