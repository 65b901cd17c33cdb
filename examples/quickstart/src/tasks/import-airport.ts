import { defineTask } from "@oppulence/worker-core";
import { z } from "zod";
import { parseZone, standardOffsetMinutes } from "../time-zone.ts";
import { surveyCountry } from "./survey-country.ts";

/** A survey waits for this long after the last airport of its country came in. */
const SURVEY_AFTER_MS = 1_000;

/** A row of the data set as it has to be. About one row in eleven is not. */
export const airport = z.object({
  id: z.int().positive(),
  name: z.string().min(1, "an airport has a name"),
  city: z.string().min(1, "an airport serves a city"),
  country: z.string().min(1, "an airport is in a country"),
  iata: z
    .string()
    .regex(/^[A-Z]{3}$/, "an IATA code is three letters")
    .nullable(),
  icao: z.string().regex(/^[A-Z][A-Z0-9]{3}$/, "an ICAO code is four characters, the first a letter"),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  altitude: z.number(),
  timezone: z.number().min(-12).max(14),
  tz: z.string("an airport has a time zone").refine(parseZone, "not a time zone of the tz database"),
});
