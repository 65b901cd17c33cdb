import { defineTask } from "@oppulence/worker-core";
import { z } from "zod";
import { isTimeZone, standardOffsetMinutes } from "../time-zone.ts";
import { surveyCountry } from "./survey-country.ts";

const METRES_PER_FOOT = 0.3048;
/** A survey waits for this long after the last airport of its country came in. */
const SURVEY_AFTER_MS = 1_000;

/** A row of the data set as it has to be. One in eleven is not. */
const airport = z.object({
  id: z.int().positive(),
  name: z.string().min(1, "an airport has a name"),
  city: z.string().min(1, "an airport serves a city"),
  country: z.string().min(1, "an airport is in a country"),
  iata: z
    .string()
    .regex(/^[A-Z]{3}$/, "an IATA code is three letters")
    .nullable(),
  icao: z
    .string()
    .regex(/^[A-Z][A-Z0-9]{3}$/, "an ICAO code is a letter and three more characters"),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  altitude: z.number(),
  timezone: z.number().min(-12).max(14),
  tz: z.string("an airport has a time zone").refine(isTimeZone, "not a zone of the tz database"),
});

/**
 * Writes one airport and asks for a new survey of its country; the survey's key makes a thousand such requests
 * one job.
 *
 * Not in one transaction: the key's row would stay locked until the commit, and the airports of a country would
 * queue up behind it. Nothing is lost by that. After a crash between the two the job runs again, writes nothing,
 * and asks for the survey.
 */
export const importAirport = defineTask({
  identifier: "import_airport",
  payload: airport,
  perCountry: 6,
  startWithin: "1h",
  run: async (row, { query, addJob }) => {
    await query(
      "insert into demo.airports select (json_populate_record(null::demo.airports, $1)).* on conflict do nothing",
      [toRecord(row)],
    );
    const { country } = row;
    const runAt = new Date(Date.now() + SURVEY_AFTER_MS);
    await addJob(surveyCountry, { country }, { jobKey: `survey:${country}`, runAt });
  },
});

/** The row of `demo.airports`: in metres, placed on the unit sphere, with the offset that its zone really has. */
function toRecord({ timezone, altitude, latitude, longitude, ...row }: z.output<typeof airport>) {
  const offset = standardOffsetMinutes(row.tz);
  const [phi, lambda] = [radians(latitude), radians(longitude)];
  return {
    ...row,
    altitude_m: Math.round(altitude * METRES_PER_FOOT),
    x: Math.cos(phi) * Math.cos(lambda),
    y: Math.cos(phi) * Math.sin(lambda),
    z: Math.sin(phi),
    utc_offset_minutes: offset,
    is_offset_stale: offset !== timezone * 60,
    imported_at: new Date(),
  };
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
