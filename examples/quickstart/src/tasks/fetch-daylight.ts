import { defineTask } from "@oppulence/worker-core";
import { z } from "zod";

/** The environment variable with the almanac's address; set before a job of this task runs. */
export const ALMANAC_URL = "ALMANAC_URL";

const answer = z.object({ hours: z.number().min(0).max(24) });

/**
 * Asks somebody else's service, which answers so many requests a second and is down now and then: a limiter keeps below
 * the one, a breaker stops calling during the other. Neither costs a job an attempt.
 */
export const fetchDaylight = defineTask({
  identifier: "fetch_daylight",
  payload: z.object({ country: z.string().min(1), latitude: z.number().min(-90).max(90) }),
  rateLimit: "almanac",
  breaker: { dependency: "almanac" },
  retry: { maxAttempts: 10, backoff: { type: "fixed", delay: "200ms" } },
  run: async ({ country, latitude }, { query, signal, job }) => {
    const almanac = process.env[ALMANAC_URL];
    if (almanac === undefined)
      throw new Error(`${ALMANAC_URL} is not set; it is the almanac's address`);
    const response = await fetch(`${almanac}/?latitude=${latitude}`, { signal });
    if (!response.ok) throw new Error(`the almanac answered ${response.status}`);
    const { hours } = answer.parse(await response.json());
    await query(
      `insert into demo.daylight (country, hours, attempts) values ($1, $2, $3)
on conflict (country) do update set hours = excluded.hours, attempts = excluded.attempts`,
      [country, hours, job.attempts],
    );
  },
});
