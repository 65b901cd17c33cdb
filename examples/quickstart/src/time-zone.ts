const offsets = new Map<string, number | undefined>();
const JANUARY = new Date("2025-01-01T12:00:00Z");
const JULY = new Date("2025-07-01T12:00:00Z");

/** Whether the tz database has a zone of this name. */
export function isTimeZone(name: string): boolean {
  return standardOffsetMinutes(name) !== undefined;
}

/**
 * Minutes that a zone is ahead of UTC outside of daylight saving time; undefined for a name that is no zone's.
 *
 * The two halves of the year have one offset with and one without daylight saving, which is never the lower.
 */
export function standardOffsetMinutes(name: string): number | undefined {
  if (!offsets.has(name)) offsets.set(name, readOffset(name));
  return offsets.get(name);
}

function readOffset(timeZone: string): number | undefined {
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    return Math.min(minutesAt(format, JANUARY), minutesAt(format, JULY));
  } catch {
    return undefined;
  }
}

/** `GMT-03:30` is −210, `GMT` is 0. */
function minutesAt(format: Intl.DateTimeFormat, date: Date): number {
  const name = format.formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)$/.exec(name) ?? [];
  const size = Number(hours ?? 0) * 60 + Number(minutes ?? 0);
  return sign === "-" ? -size : size;
}
