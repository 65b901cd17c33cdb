import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCron } from "../src/cron/parse.ts";
import { CronExpression, InvalidCronError } from "../src/index.ts";
import { expressions } from "./expressions.ts";

describe("parseCron", () => {
  it("reads values, ranges, steps, lists and names", () => {
    const { minutes, hours, months, weekdays, days } = parseCron("5,50-52 */6 * FEB,dec mon-Wed");
    expect(minutes).toEqual([5, 50, 51, 52]);
    expect(hours).toEqual([0, 6, 12, 18]);
    expect(months.flatMap((is, month) => (is ? month : []))).toEqual([2, 12]);
    expect(weekdays.set.flatMap((is, day) => (is ? day : []))).toEqual([1, 2, 3]);
    expect(days.isWild).toBe(true);
  });

  it("takes Sunday for 0 and 7, and ranges that end with it", () => {
    for (const text of ["0 0 * * 7", "0 0 * * SUN", "0 0 * * 0"])
      expect(parseCron(text).weekdays.set).toEqual(parseCron("0 0 * * 0").weekdays.set);
    expect(parseCron("0 0 * * FRI-SUN").weekdays.set).toEqual(
      parseCron("0 0 * * 0,5,6").weekdays.set,
    );
  });

  it("chooses H by the key, always the same", () => {
    const one = parseCron("H H(0-7) * * *", "a");
    expect(parseCron("H H(0-7) * * *", "a").canonical).toBe(one.canonical);
    expect(one.isInterval).toBe(false);
    expect(one.hours[0]).toBeLessThan(8);
    expect(parseCron("H/15 * * * *", "a").minutes).toHaveLength(4);
    const minutes = Array.from(
      { length: 6_000 },
      (_, n) => parseCron("H * * * *", `k${n}`).minutes[0],
    );
    const counts = Array.from(
      { length: 60 },
      (_, m) => minutes.filter((each) => each === m).length,
    );
    expect(Math.max(...counts)).toBeLessThan(150);
    expect(Math.min(...counts)).toBeGreaterThan(60);
  });

  it.each([
    ["60 * * * *", 'minute (position 1): got "60"; it is a number from 0 to 59'],
    ["* 24 * * *", "hour (position 3)"],
    ["* * 0 * *", "day of month (position 5)"],
    ["* * * 13 *", "or a name (JAN to DEC)"],
    ["* * * MAI *", 'month (position 7): got "MAI"'],
    ["* * * * MOM", 'did you mean "MON"?'],
    ["* * * * 8", "day of week (position 9)"],
    ["*/0 * * * *", 'minute (position 3): got the step "0"; it is a number from 1 to 60'],
    ["*/61 * * * *", "from 1 to 60"],
    ["1,,2 * * * *", "minute (position 3): is empty"],
    ["30-10 * * * *", "runs backwards; write 30-59,0-10"],
    ["a * * * *", 'minute (position 1): got "a"'],
    ["? * * * *", "? is for days only"],
    ["* * * *", "expression (position 8): got 4 fields"],
    ["* * * * * * *", "got 7 fields"],
    ["", "got 0 fields"],
    ["@dayly", 'did you mean "@daily"?'],
    ["@reboot", "@reboot is no time"],
    ["@daily 5", "@daily stands alone"],
    ["* L * * *", "L is for days only"],
    ["* * * * L", '"5L" is the last Friday'],
    ["* * * * 5#6", "occurs 1 to 5 times"],
    ["* * L-40 * *", "0 to 30"],
    ["H(5) * * * *", "H has a range"],
  ])("refuses %j", (text, message) => {
    expect(() => parseCron(text)).toThrow(InvalidCronError);
    expect(() => parseCron(text)).toThrow(message);
  });

  it("refuses what never fires", () => {
    for (const text of ["0 0 31 2 *", "0 0 30 FEB *", "0 0 31 4,6 *", "0 0 */31 2 1#5"])
      expect(() => new CronExpression(text)).toThrow("never fires");
  });

  it("prints what it reads as the same again", () => {
    fc.assert(
      fc.property(expressions, fc.string({ maxLength: 5 }), (text, seed) => {
        const once = parseCron(text, seed);
        expect(parseCron(once.canonical)).toEqual(once);
      }),
    );
  });

  it("answers anything with an expression or an InvalidCronError", () => {
    const junk = fc.string({
      unit: fc.constantFrom(..."0123456789*/,-LW#H? ()@JANSUN"),
      maxLength: 30,
    });
    fc.assert(
      fc.property(junk, (text) => {
        try {
          parseCron(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidCronError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
