import type { Query } from "@oppulence/worker-core";

/**
 * Makes the demo's tables. Rows of `raw_airports` are as they came, with the slot of the schedule that staged
 * them; a trigger adds a job for each one, as an application would that knows of nothing but SQL. Its label (a
 * flag `name=value`) says which country it is for.
 */
export async function createTables(query: Query): Promise<void> {
  await query(`
create schema demo;

create table demo.deliveries (
  id int primary key,
  row json not null
);

create table demo.raw_airports (
  id int primary key,
  row json not null,
  slot timestamptz not null,
  staged_at timestamptz not null default clock_timestamp()
);

create table demo.airports (
  id int primary key,
  name text not null,
  city text not null,
  country text not null,
  iata text,
  icao text not null,
  altitude_m int not null,
  x float8 not null,
  y float8 not null,
  z float8 not null,
  tz text not null,
  utc_offset_minutes int not null,
  is_offset_stale boolean not null,
  imported_at timestamptz not null,
  nearest_iata text,
  nearest_km float8
);
create index airports_country on demo.airports (country);

create table demo.countries (
  name text primary key,
  airports int not null,
  with_iata int not null,
  stale_offsets int not null,
  highest text not null,
  highest_m int not null,
  remotest text,
  remotest_km float8,
  surveys int not null default 1,
  surveyed_at timestamptz not null default now()
);

create table demo.daylight (
  country text primary key,
  hours float8 not null,
  attempts int not null
);

create table demo.kits (
  id int primary key,
  run text
);

create table demo.bookings (
  key text primary key,
  country text not null,
  cents int not null
);

create table demo.orders (
  run text primary key,
  country text not null,
  failure text
);

create function demo.import_staged() returns trigger language plpgsql as $$
begin
  perform graphile_worker.add_jobs(array(
    select json_populate_record(null::graphile_worker.job_spec, json_build_object(
      'identifier', 'import_airport',
      'payload', staged.row,
      'job_key', 'airport:' || staged.id,
      'flags', json_build_array('country=' || (staged.row ->> 'country'))))
    from staged order by staged.id));
  return null;
end $$;

create trigger import_staged after insert on demo.raw_airports
referencing new table as staged for each statement execute function demo.import_staged();
`);
}
