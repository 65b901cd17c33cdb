import { defineTask } from "@oppulence/worker-core";
import { z } from "zod";

const EARTH_RADIUS_KM = 6_371;

/**
 * The second level: works out, from all airports of a country, how far each one without an IATA code is from
 * the next one that has one, and sums the country up.
 */
export const surveyCountry = defineTask({
  identifier: "survey_country",
  payload: z.object({ country: z.string().min(1) }),
  coalesce: true,
  run: async ({ country }, { query }) => {
    await query(
      `with here as materialized (
  select * from demo.airports where country = $1
), remote as (
  select here.id, here.name, nearest.iata, $2 * acos(least(1, nearest.cosine)) as km
  from here
  cross join lateral (
    select scheduled.iata, here.x * scheduled.x + here.y * scheduled.y + here.z * scheduled.z as cosine
    from here as scheduled
    where scheduled.iata is not null
    order by cosine desc
    limit 1
  ) as nearest
  where here.iata is null
), placed as (
  update demo.airports
  set nearest_iata = remote.iata, nearest_km = remote.km
  from remote
  where airports.id = remote.id
)
insert into demo.countries as countries
  (name, airports, with_iata, stale_offsets, highest, highest_m, remotest, remotest_km)
select $1, count(*), count(iata), count(*) filter (where is_offset_stale),
  (array_agg(name order by altitude_m desc, id))[1], max(altitude_m),
  (select name from remote order by km desc, id limit 1), (select max(km) from remote)
from here
on conflict (name) do update
set airports = excluded.airports, with_iata = excluded.with_iata, stale_offsets = excluded.stale_offsets,
  highest = excluded.highest, highest_m = excluded.highest_m,
  remotest = excluded.remotest, remotest_km = excluded.remotest_km,
  surveys = countries.surveys + 1, surveyed_at = now()`,
      [country, EARTH_RADIUS_KM],
    );
  },
});
