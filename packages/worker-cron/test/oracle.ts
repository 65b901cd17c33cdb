/** A moment as a clock on a zone's wall shows it. */
interface Wall {
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  /** Sunday is 0. */
  readonly weekday: number;
  readonly daysInMonth: number;
}

/** An expression with its meaning written out by hand. */
export interface OracleCase {
  readonly cron: string;
  /** Fires in both of an hour that occurs twice, and not in a gap. */
  readonly interval: boolean;
  readonly matches: (wall: Wall) => boolean;
}

const working = ({ weekday }: Wall) => weekday >= 1 && weekday <= 5;

/** The twelve of the sweep: fixed times in and around the usual gaps, and intervals. */
export const CASES: readonly OracleCase[] = [
  { cron: "30 2 * * *", interval: false, matches: (w) => w.hour === 2 && w.minute === 30 },
  { cron: "0 0 * * *", interval: false, matches: (w) => w.hour === 0 && w.minute === 0 },
  {
    cron: "15,45 1,2,3 * * *",
    interval: false,
    matches: (w) => w.hour >= 1 && w.hour <= 3 && (w.minute === 15 || w.minute === 45),
  },
  { cron: "*/15 * * * *", interval: true, matches: (w) => w.minute % 15 === 0 },
  { cron: "30 * * * *", interval: true, matches: (w) => w.minute === 30 },
  {
    cron: "0 0-6/2 * * *",
    interval: true,
    matches: (w) => w.minute === 0 && w.hour <= 6 && w.hour % 2 === 0,
  },
  {
    cron: "30 23 L * *",
    interval: false,
    matches: (w) => w.hour === 23 && w.minute === 30 && w.day === w.daysInMonth,
  },
  {
    cron: "0 1 * * SUNL,MON#1",
    interval: false,
    matches: (w) =>
      w.hour === 1 &&
      w.minute === 0 &&
      ((w.weekday === 0 && w.day + 7 > w.daysInMonth) || (w.weekday === 1 && w.day <= 7)),
  },
  {
    cron: "0 9 15W * *",
    interval: false,
    matches: (w) =>
      w.hour === 9 &&
      w.minute === 0 &&
      working(w) &&
      (w.day === 15 || (w.day === 14 && w.weekday === 5) || (w.day === 16 && w.weekday === 1)),
  },
  {
    cron: "0 3 13 * FRI",
    interval: false,
    matches: (w) => w.hour === 3 && w.minute === 0 && (w.day === 13 || w.weekday === 5),
  },
  {
    cron: "5 0,2 * MAR,OCT,APR,SEP,NOV SUN",
    interval: false,
    matches: (w) =>
      w.minute === 5 &&
      (w.hour === 0 || w.hour === 2) &&
      [3, 4, 9, 10, 11].includes(w.month) &&
      w.weekday === 0,
  },
  {
    cron: "20-40/10 1-2 * * MON-FRI",
    interval: true,
    matches: (w) => (w.hour === 1 || w.hour === 2) && [20, 30, 40].includes(w.minute) && working(w),
  },
];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const QUARTER_MS = 15 * MINUTE_MS;

/** Asks the platform for a zone's wall clock, in minutes since 1970-01-01 as the wall counts them. */
function wallClock(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return (instant) => Date.parse(`${format.format(instant).replace(" ", "T")}Z`) / MINUTE_MS;
}

/** The wall clock at each quarter of an hour, from and to midnights in UTC: all that the oracle knows of a zone. */
export function offsetsOf(zone: string, from: number, to: number): Int16Array {
  const clock = wallClock(zone);
  const offset = (instant: number) => clock(instant) - instant / MINUTE_MS;
  const offsets = new Int16Array((to - from) / QUARTER_MS);
  const perDay = DAY_MS / QUARTER_MS;
  for (let day = from, index = 0; day < to; day += DAY_MS, index += perDay) {
    const start = offset(day);
    if (offset(day + DAY_MS) === start) offsets.fill(start, index, index + perDay);
    else
      for (let quarter = 0; quarter < perDay; quarter++)
        offsets[index + quarter] = offset(day + quarter * QUARTER_MS);
  }
  return offsets;
}

/**
 * Slots of each case between two midnights in UTC, by looking at every minute.
 *
 * @param offsets - of {@link offsetsOf}, from a day earlier on
 */
export function bruteForce(
  offsets: Int16Array,
  from: number,
  cases: readonly OracleCase[],
): number[][] {
  const found: number[][] = cases.map(() => []);
  let shown = Number.NEGATIVE_INFINITY;
  for (let quarter = 0; quarter < offsets.length; quarter++) {
    const start = from / MINUTE_MS + quarter * 15;
    const offset = offsets[quarter] as number;
    const gap = Math.max(0, offset - (offsets[quarter - 1] ?? offset));
    for (let step = 0; step < 15; step++) {
      const wall = start + step + offset;
      const instant = (start + step) * MINUTE_MS;
      const isNew = wall > shown;
      const now = toWall(wall);
      cases.forEach(({ interval, matches }, index) => {
        const isDue =
          (interval || isNew ? matches(now) : false) ||
          (!interval && step === 0 && missedIn(wall - gap, wall, shown, matches));
        if (isDue) found[index]?.push(instant);
      });
      if (isNew) shown = wall;
    }
  }
  return found;
}

/** Whether a time that the gap left out, and that was not shown before, matches. */
function missedIn(
  from: number,
  to: number,
  shown: number,
  matches: OracleCase["matches"],
): boolean {
  for (let minute = Math.max(from, shown + 1); minute < to; minute++)
    if (matches(toWall(minute))) return true;
  return false;
}

let shownDay = Number.NaN;
let dayFields = { day: 1, month: 1, weekday: 4, daysInMonth: 31 };

function toWall(minutes: number): Wall {
  const number = Math.floor(minutes / 1_440);
  // The date is asked once a day: the rest is the same for all its minutes.
  if (number !== shownDay) {
    shownDay = number;
    const date = new Date(number * DAY_MS);
    const next = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0);
    dayFields = {
      day: date.getUTCDate(),
      month: date.getUTCMonth() + 1,
      weekday: date.getUTCDay(),
      daysInMonth: new Date(next).getUTCDate(),
    };
  }
  const minute = minutes - number * 1_440;
  const { day, month, weekday, daysInMonth } = dayFields;
  return { minute: minute % 60, hour: Math.floor(minute / 60), day, month, weekday, daysInMonth };
}
