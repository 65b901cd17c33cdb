-- Buckets, who waits for them, and who has their places. Everything of a bucket changes under the lock of its row, and
-- locks are taken in the order of ids. Times are microseconds since 2026 by this server's clock, so that a double holds
-- sixteenths of one; a unit's time is a whole number of sixteenths (it is rounded up), hence sums are exact.
create table :SCHEMA.ratelimit_buckets (
  id bigint generated always as identity primary key,
  limiter text not null collate "C",
  key text not null collate "C",
  kind text not null,
  size float8 not null,
  burst float8 not null,
  tat float8 not null,
  spent float8 not null,
  last_at float8 not null,
  leased_at float8 not null,
  held int not null default 0,
  waiting int not null default 0,
  line_units float8 not null default 0,
  seq bigint not null default 0,
  looked_at float8 not null default 0,
  defined_at float8 not null default 0,
  size_before float8 not null default 0,
  burst_before float8 not null default 0,
  -- To the minute: an update that leaves it as it is touches no index.
  idle_at float8 generated always as (case when held = 0 and waiting = 0
    then ceil(greatest(tat, leased_at + 6e7) / 6e7) * 6e7 end) stored,
  has_line boolean generated always as (waiting > 0) stored,
  unique (limiter, key)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
create index ratelimit_buckets_idle on :SCHEMA.ratelimit_buckets (idle_at);
-- Of an expression, so that nobody who looks for a limiter's key reads all its keys here.
create index ratelimit_buckets_limiter_idle on :SCHEMA.ratelimit_buckets ((limiter || ''), idle_at);
create index ratelimit_buckets_line on :SCHEMA.ratelimit_buckets (looked_at) where has_line;

comment on table :SCHEMA.ratelimit_buckets is
  'One row a rule of a limiter and a key. Deleted when it says no more than one that is not there.';
comment on column :SCHEMA.ratelimit_buckets.size is 'Of a rate: microseconds that a unit takes; of places: how many.';
comment on column :SCHEMA.ratelimit_buckets.tat is
  'Theoretical arrival time: until then the units that were spent take. Of places: when it was used last.';
comment on column :SCHEMA.ratelimit_buckets.spent is
  'All that was ever charged, as time: what was charged since a lease is the difference.';
comment on column :SCHEMA.ratelimit_buckets.last_at is 'The latest moment that something was charged for.';
comment on column :SCHEMA.ratelimit_buckets.size_before is 'Of the rule before, until defined_at.';
comment on column :SCHEMA.ratelimit_buckets.leased_at is 'When the last lease ends.';

-- Those who wait, in the order of seq; turn is the hint that they were told.
create table :SCHEMA.ratelimit_line (
  bucket bigint not null,
  seq bigint not null,
  id text not null collate "C",
  units float8 not null,
  turn float8 not null,
  since float8 not null,
  told float8 not null,
  primary key (id, bucket)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
-- Of an expression: whoever looks for one of a bucket must come by its id, and could not with a plain column be made to.
create index ratelimit_line_order on :SCHEMA.ratelimit_line ((bucket + 0), seq);

-- Places that are in use. Without a holder: promised to one from the line (with its seq there), or kept by one who
-- waits for something else.
create table :SCHEMA.ratelimit_places (
  bucket bigint not null,
  id text not null collate "C",
  holder text collate "C",
  expires_at float8,
  seq bigint,
  since float8 not null,
  told float8 not null,
  primary key (id, bucket)
) with (autovacuum_vacuum_scale_factor = 0.02);
-- Of an expression, as that of the line.
create index ratelimit_places_bucket on :SCHEMA.ratelimit_places ((bucket + 0), expires_at);
create index ratelimit_places_expiry on :SCHEMA.ratelimit_places (expires_at) where expires_at is not null;
create index ratelimit_places_promised on :SCHEMA.ratelimit_places (told) where seq is not null;

create table :SCHEMA.ratelimit_overrides (
  limiter text not null collate "C",
  key text collate "C",
  limits json not null,
  actor text,
  reason text,
  set_at timestamptz not null default now()
);
create unique index ratelimit_overrides_key
  on :SCHEMA.ratelimit_overrides (limiter, (key is null), (coalesce(key, '')));

create table :SCHEMA.ratelimit_override_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  limiter text not null,
  key text,
  limits json,
  actor text,
  reason text
);
comment on column :SCHEMA.ratelimit_override_log.limits is 'Null: the override was deleted.';

create table :SCHEMA.ratelimit_leads (
  what text primary key collate "C",
  holder text not null,
  until float8 not null
);

create function :SCHEMA.ratelimit_now() returns float8 language sql volatile as $$
  select round((extract(epoch from clock_timestamp()) - 1767225600) * 1000000)::float8
$$;

-- Functions that programs call make plans that look rows up by their keys, whatever the statistics say: they are taken
-- from tables that were empty a moment ago, and a plan is kept for as long as its connection. Functions that others
-- call have it from them.

-- Callers outside jobs hear of their turn by the channel; jobs are told by who asked.
create function :SCHEMA.ratelimit_tell(p_ids text[]) returns void language plpgsql as $$
declare
  v_id text;
begin
  foreach v_id in array p_ids loop
    -- A longer payload would be an error, for everybody in this transaction.
    if v_id !~ '^\d+$' and octet_length(v_id) < 3000 then
      perform pg_notify('oppulence_worker_ratelimit', json_build_array(':SCHEMA', v_id)::text);
    end if;
  end loop;
end $$;

-- Locks buckets, made where they are not there, and others by id. Answers with the ids of the first, in their order.
create function :SCHEMA.ratelimit_open(p_limiter text[], p_key text[], p_kind text[], p_size float8[], p_burst float8[],
  p_more bigint[]) returns bigint[] language plpgsql as $$
#variable_conflict use_column
declare
  v_ids bigint[];
  v_all bigint[];
  v_found int;
  v_now float8;
begin
  -- One bucket needs no order: two statements less for the most frequent case.
  if cardinality(p_limiter) = 1 and p_more = '{}' then
    v_ids := array(
      select id from :SCHEMA.ratelimit_buckets where limiter = p_limiter[1] and key = p_key[1] for update
    );
    if v_ids <> '{}' then return v_ids; end if;
  end if;
  for attempt in 1..20 loop
    v_ids := array(
      select (select b.id from :SCHEMA.ratelimit_buckets as b where b.limiter = one.limiter and b.key = one.key)
      from unnest(p_limiter, p_key) with ordinality as one(limiter, key, i) order by one.i
    );
    if array_position(v_ids, null) is null then
      v_all := array(select distinct one.id from unnest(v_ids || p_more) as one(id));
      perform from :SCHEMA.ratelimit_buckets where id = any(v_all) order by id for update;
      get diagnostics v_found = row_count;
      if v_found = cardinality(v_all) then return v_ids; end if;
      -- One was swept in between: of the others that does not matter.
      select count(*) into v_found from :SCHEMA.ratelimit_buckets where id = any(v_ids);
      if v_found = cardinality(v_ids) then return v_ids; end if;
    end if;
    v_now := :SCHEMA.ratelimit_now();
    -- In one order everywhere, so that two who make the same do not wait for each other.
    insert into :SCHEMA.ratelimit_buckets (limiter, key, kind, size, burst, tat, spent, last_at, leased_at)
    select limiter, key, kind, size, burst, v_now, v_now, v_now, v_now - 6e7
    from unnest(p_limiter, p_key, p_kind, p_size, p_burst) as one(limiter, key, kind, size, burst)
    order by limiter, key
    on conflict (limiter, key) do nothing;
  end loop;
  raise exception 'buckets of % could not be made: is the transaction above read committed?', p_limiter;
end $$;

-- What callers know of buckets is what they are. Units that a rate has yet to earn stay units, but no more than the new
-- burst; units of leases count from when the last lease ends. Processes that define a limiter differently, and so change
-- it to and fro, lose nothing of it by that. What was charged before is beyond a refund.
create function :SCHEMA.ratelimit_define(p_ids bigint[], p_kind text[], p_size float8[], p_burst float8[])
returns void language plpgsql as $$
#variable_conflict use_column
declare
  v_now float8 := :SCHEMA.ratelimit_now();
begin
  update :SCHEMA.ratelimit_buckets as b set kind = one.kind, size = one.size, burst = one.burst,
    defined_at = v_now, size_before = b.size, burst_before = b.burst,
    spent = b.spent + greatest(0, b.tat - b.last_at),
    tat = case when b.kind = 'rate' and one.kind = 'rate' and b.tat > greatest(v_now, b.leased_at)
      then greatest(v_now, b.leased_at) + ceil(16 * one.size * least(
        (b.tat - greatest(v_now, b.leased_at)) / b.size,
        case when b.size_before = one.size and b.burst_before = one.burst and b.defined_at > v_now - 5e6
          then 'infinity' else one.burst end)) / 16
      else b.tat end
  from unnest(p_ids, p_kind, p_size, p_burst) as one(id, kind, size, burst)
  where b.id = one.id and (b.kind <> one.kind or b.size <> one.size or b.burst <> one.burst);
end $$;

-- Places of locked buckets: those that expired are free, promises beyond the capacity go back to the line (the last one
-- first), free ones go to the first in line. Answers with who they go to.
create function :SCHEMA.ratelimit_settle(p_ids bigint[], p_now float8) returns text[] language plpgsql as $$
#variable_conflict use_column
declare
  v record;
  v_moved int;
  v_units float8;
  v_next text[];
  v_told text[] := '{}';
begin
  for v in
    select b.id, b.kind, b.size, b.held, b.waiting, b.line_units from :SCHEMA.ratelimit_buckets as b
    where b.id = any(p_ids) and (
      b.kind = 'places' and (b.held > b.size or b.waiting > 0 and b.held < b.size)
      or b.held > 0 and (
        select min(p.expires_at) from :SCHEMA.ratelimit_places as p where p.bucket + 0 = b.id
      ) <= p_now
    )
    order by b.id
  loop
    delete from :SCHEMA.ratelimit_places where bucket + 0 = v.id and expires_at <= p_now;
    get diagnostics v_moved = row_count;
    v.held := v.held - v_moved;
    if v.kind = 'places' and v.held > v.size then
      with back as (
        delete from :SCHEMA.ratelimit_places where ctid = any(array(
          select ctid from :SCHEMA.ratelimit_places where bucket + 0 = v.id and seq is not null
          order by seq desc limit ceil(v.held - v.size)::bigint
        ))
        returning id, seq, since
      )
      insert into :SCHEMA.ratelimit_line (bucket, seq, id, units, turn, since, told)
      select v.id, seq, id, 1, p_now, since, p_now from back;
      get diagnostics v_moved = row_count;
      v.held := v.held - v_moved;
      v.waiting := v.waiting + v_moved;
      v.line_units := v.line_units + v_moved;
    end if;
    if v.kind = 'places' and v.waiting > 0 and v.held < v.size then
      with next as (
        delete from :SCHEMA.ratelimit_line where ctid = any(array(
          select ctid from :SCHEMA.ratelimit_line where bucket + 0 = v.id
          order by seq limit least(v.waiting, floor(v.size - v.held))::bigint
        ))
        returning id, seq, units, since
      ), taken as (
        insert into :SCHEMA.ratelimit_places (bucket, id, seq, since, told)
        select v.id, id, seq, since, p_now from next order by seq
        on conflict (id, bucket) do nothing
        returning id, seq
      )
      select count(*), coalesce(sum(units), 0), array(select id from taken order by seq)
      into v_moved, v_units, v_next from next;
      v.held := v.held + cardinality(v_next);
      v.waiting := v.waiting - v_moved;
      v.line_units := v.line_units - v_units;
      v_told := v_told || v_next;
    end if;
    update :SCHEMA.ratelimit_buckets
    set held = v.held, waiting = v.waiting, line_units = v.line_units, tat = case when kind = 'places' then p_now else tat end
    where id = v.id and (held <> v.held or waiting <> v.waiting);
  end loop;
  return v_told;
end $$;

-- One gives back what it has without running. Answers with who it goes to.
create function :SCHEMA.ratelimit_give_up(p_ids text[], p_buckets bigint[], p_now float8) returns text[]
language plpgsql as $$
#variable_conflict use_column
declare
  v_from bigint[];
begin
  v_from := :SCHEMA.ratelimit_drop(array(
    select ctid from :SCHEMA.ratelimit_places where id = any(p_ids) and bucket = any(p_buckets) and holder is null
  ), p_now);
  if v_from = '{}' then return '{}'; end if;
  return :SCHEMA.ratelimit_settle(v_from, p_now);
end $$;

-- Deletes rows of places. Answers with their buckets.
create function :SCHEMA.ratelimit_drop(p_rows tid[], p_now float8) returns bigint[] language plpgsql as $$
#variable_conflict use_column
declare
  v_from bigint[];
begin
  if p_rows = '{}' then return '{}'; end if;
  with gone as (
    delete from :SCHEMA.ratelimit_places where ctid = any(p_rows) returning bucket
  ), sums as (
    select bucket, count(*) as n from gone group by bucket
  ), lowered as (
    update :SCHEMA.ratelimit_buckets as b
    set held = held - sums.n, tat = case when kind = 'places' then p_now else tat end
    from sums where b.id = sums.bucket
    returning b.id
  )
  select coalesce(array_agg(id), '{}') into v_from from lowered;
  return v_from;
end $$;

-- Leaves lines of locked buckets.
create function :SCHEMA.ratelimit_leave_lines(p_ids text[], p_buckets bigint[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  with gone as (
    delete from :SCHEMA.ratelimit_line where id = any(p_ids) and bucket = any(p_buckets) returning bucket, units
  ), sums as (
    select bucket, count(*) as n, sum(units) as units from gone group by bucket
  )
  update :SCHEMA.ratelimit_buckets as b set waiting = waiting - sums.n, line_units = line_units - sums.units
  from sums where b.id = sums.bucket;
end $$;

-- Of those a place was promised to, those who still have the promise.
create function :SCHEMA.ratelimit_promised(p_ids text[]) returns text[] language plpgsql as $$
#variable_conflict use_column
declare
  v_ids text[];
begin
  if p_ids = '{}' then return p_ids; end if;
  v_ids := array(
    select distinct id from :SCHEMA.ratelimit_places where id = any(p_ids) and holder is null and seq is not null
  );
  perform :SCHEMA.ratelimit_tell(v_ids);
  return v_ids;
end $$;

-- Admits requests in their order. A request is p_id, p_peek, p_wait (microseconds, null for ever) and the demands from
-- p_first up to that of the next; a demand is its request's id again, an index of a bucket, units, and units to lease.
--
-- Rates are counted in arrays, and written at the end: a batch on one bucket makes one version of its row.
create function :SCHEMA.ratelimit_admit(p_holder text, p_lease float8,
  p_limiter text[], p_key text[], p_kind text[], p_size float8[], p_burst float8[],
  p_id text[], p_peek boolean[], p_wait float8[], p_first int[],
  p_of text[], p_bucket int[], p_units float8[], p_extra float8[],
  p_started_bucket int[], p_started_id text[], out answers text, out turns text[])
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set join_collapse_limit = 1 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_early constant float8 := 2000;
  v_strict constant float8 := 5000;
  v_late constant float8 := 250000;
  v_now float8;
  v_more bigint[] := '{}';
  v_ids bigint[];
  v_all bigint[];
  v_redefined boolean;
  v_tat float8[];
  v_spent float8[];
  v_last float8[];
  v_leased float8[];
  v_waiting int[];
  v_units float8[];
  v_seq bigint[];
  v_dirty boolean[];
  v_is_known boolean[] := array_fill(false, array[cardinality(p_id)]);
  v_since float8[] := '{}';
  v_entry_seq bigint[] := '{}';
  v_entry_turn float8[] := '{}';
  v_has boolean[] := '{}';
  v_row record;
  v_told text[] := '{}';
  v_answers text[] := '{}';
  v_demands int[] := '{}';
  v_turns float8[] := '{}';
  v_leases json[] := '{}';
  v_is_leased boolean[] := array_fill(false, array[cardinality(p_limiter)]);
  v_name text;
  v_from int;
  v_to int;
  v_b int;
  v_missing int;
  v_worst int;
  v_latest float8;
  v_turn float8;
  v_fits boolean;
  v_answer text;
  v_at int;
  v_for float8;
  v_extra float8;
  v_line json;
begin
  -- Where they are already: those buckets change, too.
  for v_row in
    select one.i, place.bucket, place.since from unnest(p_id) with ordinality as one(id, i)
    cross join lateral (
      select bucket, since from :SCHEMA.ratelimit_line as l where l.id = one.id
      union all
      select bucket, since from :SCHEMA.ratelimit_places as p where p.id = one.id
    ) as place
  loop
    v_is_known[v_row.i] := true;
    v_since[v_row.i] := least(v_since[v_row.i], v_row.since);
    v_more := v_more || v_row.bucket;
  end loop;
  v_ids := :SCHEMA.ratelimit_open(p_limiter, p_key, p_kind, p_size, p_burst, v_more);
  v_all := v_ids || v_more;
  -- Only now: whoever had the locks before may have been later than this began.
  v_now := :SCHEMA.ratelimit_now();

  if cardinality(p_started_id) > 0 then
    perform :SCHEMA.ratelimit_leave_lines(array_agg(one.id), array[v_ids[one.b]])
    from unnest(p_started_bucket, p_started_id) as one(b, id) group by one.b;
  end if;
  loop
    select array_agg(b.tat order by one.i), array_agg(b.spent order by one.i), array_agg(b.last_at order by one.i),
      array_agg(b.leased_at order by one.i), array_agg(b.waiting order by one.i), array_agg(b.line_units order by one.i),
      array_agg(b.seq order by one.i), array_agg(false order by one.i),
      bool_or(b.kind <> one.kind or b.size <> one.size or b.burst <> one.burst)
    into v_tat, v_spent, v_last, v_leased, v_waiting, v_units, v_seq, v_dirty, v_redefined
    from unnest(v_ids, p_kind, p_size, p_burst) with ordinality as one(id, kind, size, burst, i)
    join :SCHEMA.ratelimit_buckets as b on b.id = one.id;
    exit when v_redefined is not true;
    perform :SCHEMA.ratelimit_define(v_ids, p_kind, p_size, p_burst);
  end loop;
  -- Of the arrays only rates are used.
  if array_position(p_kind, 'places') is not null then v_told := :SCHEMA.ratelimit_settle(v_ids, v_now); end if;

  if true = any(v_is_known) then
    for v_row in
      select one.i, l.seq, l.turn from unnest(p_of, p_bucket) with ordinality as one(id, b, i)
      join :SCHEMA.ratelimit_line as l on l.id = one.id and l.bucket = v_ids[one.b]
    loop
      v_entry_seq[v_row.i] := v_row.seq;
      v_entry_turn[v_row.i] := v_row.turn;
    end loop;
  end if;

  for r in 1..cardinality(p_id) loop
    v_name := p_id[r];
    v_from := p_first[r];
    v_to := p_first[r + 1] - 1;
    v_missing := null;
    v_worst := null;
    v_latest := '-infinity';
    v_answer := 'admitted';

    -- Places until the first that is not there.
    for d in v_from..v_to loop
      v_b := p_bucket[d];
      continue when p_kind[v_b] <> 'places' or p_units[d] = 0;
      perform from :SCHEMA.ratelimit_places where id = v_name and bucket = v_ids[v_b];
      v_has[d] := found;
      continue when found;
      select waiting, held, size into v_row from :SCHEMA.ratelimit_buckets where id = v_ids[v_b];
      if v_row.waiting > 0 or v_row.held >= v_row.size then
        v_missing := d;
        exit;
      end if;
    end loop;

    if v_missing is not null then
      v_at := v_missing;
      if p_peek[r] or p_wait[r] = 0 then
        v_answer := 'refused';
      else
        v_answer := 'waiting';
        for d in v_from..v_missing - 1 loop
          v_b := p_bucket[d];
          continue when p_kind[v_b] <> 'places' or p_units[d] = 0;
          insert into :SCHEMA.ratelimit_places as p (bucket, id, since, told)
          values (v_ids[v_b], v_name, v_now, v_now)
          on conflict (id, bucket) do update set seq = null where p.seq is not null;
          if not v_has[d] then
            update :SCHEMA.ratelimit_buckets set held = held + 1, tat = v_now where id = v_ids[v_b];
          end if;
        end loop;
        v_b := p_bucket[v_missing];
        insert into :SCHEMA.ratelimit_line (bucket, seq, id, units, turn, since, told)
        select id, seq + 1, v_name, 1, v_now, v_now, v_now from :SCHEMA.ratelimit_buckets where id = v_ids[v_b]
        on conflict (id, bucket) do nothing;
        if found then
          update :SCHEMA.ratelimit_buckets
          set seq = seq + 1, waiting = waiting + 1, line_units = line_units + 1 where id = v_ids[v_b];
        end if;
        -- Those after it: kept, they could make a circle when the order has changed.
        if v_is_known[r] and v_missing < v_to then
          v_told := v_told || :SCHEMA.ratelimit_give_up(array[v_name], array(
            select v_ids[p_bucket[d]] from generate_series(v_missing + 1, v_to) as d where p_kind[p_bucket[d]] = 'places'
          ), v_now);
        end if;
      end if;
    else
      for d in v_from..v_to loop
        v_b := p_bucket[d];
        continue when p_kind[v_b] <> 'rate';
        v_fits := greatest(v_tat[v_b], v_now) + p_units[d] * p_size[v_b] <= v_now + p_size[v_b] * p_burst[v_b];
        if v_entry_seq[d] is null then
          -- Nobody overtakes.
          continue when v_fits and v_waiting[v_b] = 0;
          v_extra := v_units[v_b];
          v_turn := 0;
        else
          if v_fits and v_entry_turn[d] <= v_now + v_early then
            -- Of those just before it, one whose turn has only come is on its way: it is not overtaken, unless units take
            -- less time than the way. One that is later than a unit's time has had its turn.
            continue when p_size[v_b] < v_strict or not exists (
              select from (
                select turn from :SCHEMA.ratelimit_line where bucket + 0 = v_ids[v_b] and seq < v_entry_seq[d]
                order by seq desc limit 20
              ) as before
              where turn > v_now - p_size[v_b] * p_units[d]
            );
          end if;
          -- Far behind, the turn it was told is as good as any. Those who let their turn pass are not waited for.
          select case when count(*) > 1000 then 0
              else coalesce(sum(units) filter (where turn > v_now - greatest(v_late, 2 * p_size[v_b])), 0) end,
            case when count(*) > 1000 then v_entry_turn[d] else 0 end
          into v_extra, v_turn
          from (
            select units, turn from :SCHEMA.ratelimit_line where bucket + 0 = v_ids[v_b] and seq < v_entry_seq[d]
            order by seq limit 1001
          ) as before;
        end if;
        v_turn := greatest(v_now, v_turn, greatest(v_tat[v_b], v_now)
          + (v_extra + p_units[d]) * p_size[v_b] - p_size[v_b] * p_burst[v_b]);
        continue when v_entry_seq[d] is not null and v_fits and v_turn <= v_now + v_early;
        if v_turn > v_latest then
          v_worst := d;
          v_latest := v_turn;
        end if;
      end loop;

      if v_worst is not null then
        v_at := v_worst;
        v_b := p_bucket[v_worst];
        if p_peek[r] or v_latest - v_now > p_wait[r] then
          v_answer := 'refused';
        else
          v_answer := 'waiting';
          if v_entry_seq[v_worst] is not null then
            update :SCHEMA.ratelimit_line set turn = v_latest, told = v_now where id = v_name and bucket = v_ids[v_b];
          else
            insert into :SCHEMA.ratelimit_line (bucket, seq, id, units, turn, since, told)
            values (v_ids[v_b], v_seq[v_b] + 1, v_name, p_units[v_worst], v_latest, v_now, v_now)
            on conflict (id, bucket) do nothing;
            if found then
              v_seq[v_b] := v_seq[v_b] + 1;
              v_waiting[v_b] := v_waiting[v_b] + 1;
              v_units[v_b] := v_units[v_b] + p_units[v_worst];
              v_dirty[v_b] := true;
            end if;
          end if;
          -- What it would only sit on until its turn.
          if v_is_known[r] then
            v_told := v_told || :SCHEMA.ratelimit_give_up(array[v_name], array(
              select v_ids[p_bucket[d]] from generate_series(v_from, v_to) as d where p_kind[p_bucket[d]] = 'places'
            ), v_now);
          end if;
        end if;
      end if;
    end if;

    -- It waits no more, not for limits either that it does not have any more; nor has it places of those.
    if v_is_known[r] and (v_answer = 'admitted' or v_answer = 'refused' and not p_peek[r]) then
      for v_row in
        delete from :SCHEMA.ratelimit_line where id = v_name and bucket = any(v_all) returning bucket, units
      loop
        v_b := array_position(v_ids, v_row.bucket);
        if v_b is not null and p_kind[v_b] = 'rate' then
          v_waiting[v_b] := v_waiting[v_b] - 1;
          v_units[v_b] := v_units[v_b] - v_row.units;
          v_dirty[v_b] := true;
        else
          update :SCHEMA.ratelimit_buckets set waiting = waiting - 1, line_units = line_units - v_row.units
          where id = v_row.bucket;
        end if;
      end loop;
      if v_answer = 'refused' then
        v_told := v_told || :SCHEMA.ratelimit_give_up(array[v_name], v_all, v_now);
      end if;
    end if;

    if v_answer = 'admitted' then
      for d in v_from..v_to loop
        v_b := p_bucket[d];
        if p_kind[v_b] = 'rate' then
          v_tat[v_b] := greatest(v_tat[v_b], v_now) + p_units[d] * p_size[v_b];
          v_spent[v_b] := v_spent[v_b] + p_units[d] * p_size[v_b];
          v_last[v_b] := greatest(v_last[v_b], v_now);
          v_dirty[v_b] := true;
        elsif p_units[d] > 0 then
          insert into :SCHEMA.ratelimit_places (bucket, id, holder, expires_at, since, told)
          values (v_ids[v_b], v_name, p_holder, v_now + p_lease, v_now, v_now)
          on conflict (id, bucket) do update set holder = p_holder, expires_at = v_now + p_lease, seq = null;
          if not v_has[d] then
            update :SCHEMA.ratelimit_buckets set held = held + 1, tat = v_now where id = v_ids[v_b];
          end if;
        end if;
      end loop;
      if v_is_known[r] then v_told := v_told || :SCHEMA.ratelimit_give_up(array[v_name], v_all, v_now); end if;
      v_at := null;
    end if;
    v_answers := v_answers || v_answer;
    v_demands := v_demands || (v_at - v_from);
    -- Of those admitted, how long they have waited.
    v_turns := v_turns || case when v_answer = 'admitted' then (v_now - v_since[r]) / 1000
      when v_missing is null then (v_latest - v_now) / 1000 end;
  end loop;

  -- What is left goes to leases, one a bucket: no request of this batch is held up for them.
  for r in 1..cardinality(p_id) loop
    continue when v_answers[r] <> 'admitted';
    for d in p_first[r]..p_first[r + 1] - 1 loop
      v_b := p_bucket[d];
      continue when p_extra[d] <= 0 or p_kind[v_b] <> 'rate' or v_is_leased[v_b];
      v_for := floor(least(200000, 0.2 * p_size[v_b] * p_burst[v_b]));
      continue when v_for < 10000;
      v_extra := least(p_extra[d], floor((v_now + p_size[v_b] * p_burst[v_b] - greatest(v_tat[v_b], v_now + v_for))
        / p_size[v_b]));
      continue when v_extra < 1;
      v_line := null;
      if v_waiting[v_b] > 0 then
        -- For those first in line whose turn comes before the lease ends, as far as the units go.
        select json_agg(json_build_array(id, (v_now - since) / 1000) order by seq), max(sum) into v_line, v_extra
        from (
          select id, seq, since, sum(units) over (order by seq) as sum, bool_and(turn <= v_now + v_for) over (order by seq) as is_due
          from (
            select id, seq, since, units, turn from :SCHEMA.ratelimit_line where bucket + 0 = v_ids[v_b]
            order by seq limit least(v_extra, 1000)::bigint
          ) as head
        ) as sums
        where sum <= v_extra and is_due;
        continue when v_line is null;
      end if;
      -- As if used at the last moment that they may be.
      v_tat[v_b] := greatest(v_tat[v_b], v_now + v_for) + v_extra * p_size[v_b];
      v_spent[v_b] := v_spent[v_b] + v_extra * p_size[v_b];
      v_last[v_b] := greatest(v_last[v_b], v_now + v_for);
      v_leased[v_b] := greatest(v_leased[v_b], v_now + v_for);
      v_is_leased[v_b] := true;
      v_leases := v_leases || json_build_array(r - 1, d - p_first[r], v_extra, v_for / 1000, v_spent[v_b], v_line);
    end loop;
  end loop;

  update :SCHEMA.ratelimit_buckets as b
  set tat = one.tat, spent = one.spent, last_at = one.last_at, leased_at = one.leased_at, waiting = one.waiting,
    line_units = one.units, seq = one.seq
  from unnest(v_ids, v_tat, v_spent, v_last, v_leased, v_waiting, v_units, v_seq, v_dirty)
    as one(id, tat, spent, last_at, leased_at, waiting, units, seq, is_dirty)
  where b.id = one.id and one.is_dirty;
  answers := json_build_array(v_answers, v_demands, v_turns, v_leases)::text;
  turns := :SCHEMA.ratelimit_promised(v_told);
end $$;

-- Places go back. Answers with who they go to.
create function :SCHEMA.ratelimit_release(p_holder text, p_ids text[]) returns text[]
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set join_collapse_limit = 1 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_buckets bigint[];
  v_now float8;
begin
  v_buckets := array(
    select distinct bucket from :SCHEMA.ratelimit_places where id = any(p_ids) and holder = p_holder
  );
  if v_buckets = '{}' then return '{}'; end if;
  perform from :SCHEMA.ratelimit_buckets where id = any(v_buckets) order by id for update;
  v_now := :SCHEMA.ratelimit_now();
  perform :SCHEMA.ratelimit_drop(array(
    select ctid from :SCHEMA.ratelimit_places where id = any(p_ids) and holder = p_holder and bucket = any(v_buckets)
  ), v_now);
  return :SCHEMA.ratelimit_promised(:SCHEMA.ratelimit_settle(v_buckets, v_now));
end $$;

-- Leaves every line, and gives back what one has without running. Answers with who it goes to.
create function :SCHEMA.ratelimit_leave(p_ids text[]) returns text[]
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set join_collapse_limit = 1 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_buckets bigint[];
begin
  v_buckets := array(
    select bucket from :SCHEMA.ratelimit_line where id = any(p_ids)
    union
    select bucket from :SCHEMA.ratelimit_places where id = any(p_ids) and holder is null
  );
  if v_buckets = '{}' then return '{}'; end if;
  perform from :SCHEMA.ratelimit_buckets where id = any(v_buckets) order by id for update;
  perform :SCHEMA.ratelimit_leave_lines(p_ids, v_buckets);
  return :SCHEMA.ratelimit_promised(
    :SCHEMA.ratelimit_give_up(p_ids, v_buckets, :SCHEMA.ratelimit_now())
  );
end $$;

-- Units of leases that were not used. A bucket becomes at most what it would be without them: what was charged since
-- stands, as if all of it at the last moment.
create function :SCHEMA.ratelimit_refund(p_limiter text[], p_key text[], p_size float8[], p_units float8[],
  p_granted float8[]) returns void
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set join_collapse_limit = 1 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v record;
begin
  for v in
    select b.id, one.* from unnest(p_limiter, p_key, p_size, p_units, p_granted) as one(limiter, key, size, units, granted)
    cross join lateral (
      select id from :SCHEMA.ratelimit_buckets as b where b.limiter = one.limiter and b.key = one.key
    ) as b
    order by b.id
  loop
    update :SCHEMA.ratelimit_buckets set tat = least(tat, greatest(tat - v.units * v.size,
      case when spent > v.granted then last_at + spent - v.granted else '-infinity' end))
    where id = v.id and kind = 'rate' and size = v.size and spent >= v.granted and :SCHEMA.ratelimit_now() <= leased_at + 6e7;
  end loop;
end $$;

-- Appends to a line, each once, in order. Answers with turns of a rate: of those in line already, the ones they have;
-- and of places, with who got one.
create function :SCHEMA.ratelimit_line_up(p_limiter text, p_key text, p_kind text, p_size float8, p_burst float8,
  p_ids text[], p_units float8[]) returns table (id text, in_ms float8)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set join_collapse_limit = 1 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_ids bigint[];
  v_now float8;
  b record;
begin
  v_ids := :SCHEMA.ratelimit_open(array[p_limiter], array[p_key], array[p_kind], array[p_size], array[p_burst], '{}');
  v_now := :SCHEMA.ratelimit_now();
  perform :SCHEMA.ratelimit_define(v_ids, array[p_kind], array[p_size], array[p_burst]);
  select * into b from :SCHEMA.ratelimit_buckets as one where one.id = v_ids[1];
  return query with given as (
    select one.id, one.units, one.i, l.turn
    from (
      select distinct on (all_given.id collate "C") all_given.*
      from unnest(p_ids, p_units) with ordinality as all_given(id, units, i)
      order by all_given.id collate "C", all_given.i
    ) as one
    left join :SCHEMA.ratelimit_line as l on b.waiting > 0 and l.id = one.id and l.bucket = b.id
    where b.held = 0
      or (select p.id from :SCHEMA.ratelimit_places as p where p.id = one.id and p.bucket = b.id) is null
  ), added as (
    insert into :SCHEMA.ratelimit_line as l (bucket, seq, id, units, turn, since, told)
    select b.id, b.seq + row_number() over (order by given.i), given.id, given.units,
      case when p_kind = 'rate' then greatest(v_now, greatest(b.tat, v_now)
        + (b.line_units + sum(given.units) over (order by given.i)) * p_size - p_size * p_burst) else v_now end,
      v_now, v_now
    from given where given.turn is null order by given.i
    returning l.id, l.units, l.turn
  ), counted as (
    update :SCHEMA.ratelimit_buckets as one
    set seq = one.seq + sums.n, waiting = one.waiting + sums.n, line_units = one.line_units + sums.units
    from (select count(*) as n, sum(added.units) as units from added) as sums
    where one.id = b.id and sums.n > 0
  )
  select turns.id, greatest(0, turns.turn - v_now) / 1000 from (
    select given.id, given.turn from given where given.turn is not null
    union all
    select added.id, added.turn from added
  ) as turns
  where p_kind = 'rate';
  if p_kind = 'places' then
    return query select one, 0::float8
      from unnest(:SCHEMA.ratelimit_promised(:SCHEMA.ratelimit_settle(v_ids, v_now))) as one;
  end if;
end $$;

-- Looks after a bucket; answers with turns that moved, and those that nobody took.
create function :SCHEMA.ratelimit_tend(p_limiter text, p_key text, p_kind text, p_size float8, p_burst float8)
returns table (id text, in_ms float8)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set join_collapse_limit = 1 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_told text[];
  v_in float8[];
  v_now float8;
  b record;
begin
  select * into b from :SCHEMA.ratelimit_buckets as one where one.limiter = p_limiter and one.key = p_key for update;
  if not found then return; end if;
  perform :SCHEMA.ratelimit_define(array[b.id], array[p_kind], array[p_size], array[p_burst]);
  v_now := :SCHEMA.ratelimit_now();
  update :SCHEMA.ratelimit_buckets as one set looked_at = v_now where one.id = b.id returning * into b;
  v_told := :SCHEMA.ratelimit_settle(array[b.id], v_now);
  if p_kind = 'places' then
    with late as (
      update :SCHEMA.ratelimit_places as p set told = v_now
      where p.bucket + 0 = b.id and p.seq is not null and p.told <= v_now - 5e6
      returning p.id
    )
    select v_told || array(select late.id from late) into v_told;
    return query select one, 0::float8 from unnest(:SCHEMA.ratelimit_promised(v_told)) as one;
    return;
  end if;
  with head as (
    select l.id, l.units, l.seq, l.turn, l.told, l.ctid as row from :SCHEMA.ratelimit_line as l
    where l.bucket + 0 = b.id order by l.seq
    -- All whose turn comes within the next seconds, if each weighs 1.
    limit least(20000, greatest(1000, (6e6 + p_size * p_burst - greatest(0, b.tat - v_now)) / p_size))::bigint
  ), sums as (
    -- Those who let their turn pass are not waited for.
    select head.*, greatest(v_now, greatest(b.tat, v_now) - p_size * p_burst + p_size * (
      sum(case when is_late then 0 else units end) over (order by seq) + case when is_late then units else 0 end
    )) as next
    from (select head.*, turn <= v_now - greatest(250000, 2 * p_size) as is_late from head) as head
  ), due as (
    select sums.id, sums.seq, sums.row, sums.next, abs(next - greatest(turn, v_now)) > 20000 as is_moved
    from sums
    where (next <= v_now + 6e6 or turn <= v_now + 6e6) and (
      abs(next - greatest(turn, v_now)) > 20000
      -- One who waits for something else as well does not come before that.
      or turn <= v_now - 5e6 and told <= v_now - 5e6 and not exists (
        select from :SCHEMA.ratelimit_line as o join :SCHEMA.ratelimit_buckets as ob on ob.id = o.bucket
        where o.id = sums.id and o.bucket <> b.id and (ob.kind = 'places' or o.turn > v_now)
      )
    )
  ), told as (
    update :SCHEMA.ratelimit_line as l set turn = case when due.is_moved then due.next else l.turn end, told = v_now
    from due where l.ctid = due.row
    returning due.id, due.seq, due.next
  )
  select array_agg(told.id order by told.seq), array_agg((told.next - v_now) / 1000 order by told.seq)
  into v_told, v_in from told;
  if v_told is null then return; end if;
  perform :SCHEMA.ratelimit_tell(v_told);
  return query select * from unnest(v_told, v_in);
end $$;

-- Extends places of those who run. Answers with ids that have fewer than they had.
create function :SCHEMA.ratelimit_renew(p_holder text, p_lease float8, p_ids text[], p_counts int[]) returns text[]
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set join_collapse_limit = 1 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_buckets bigint[];
  v_lost text[];
begin
  v_buckets := array(
    select distinct bucket from :SCHEMA.ratelimit_places where id = any(p_ids) and holder = p_holder
  );
  -- Whoever takes expired places away has the lock.
  perform from :SCHEMA.ratelimit_buckets where id = any(v_buckets) order by id for update;
  with renewed as (
    update :SCHEMA.ratelimit_places set expires_at = :SCHEMA.ratelimit_now() + p_lease
    where id = any(p_ids) and holder = p_holder
    returning id
  )
  select coalesce(array_agg(one.id), '{}') into v_lost from unnest(p_ids, p_counts) as one(id, n)
  where n > (select count(*) from renewed where renewed.id = one.id);
  return v_lost;
end $$;

-- Buckets with places that expired or promises that nobody took, then those with a line: looked after longest ago first.
create function :SCHEMA.ratelimit_busy(p_limiters text[], p_limit int) returns table (limiter text, key text)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_now float8 := :SCHEMA.ratelimit_now();
  v_ids bigint[];
begin
  v_ids := array(
    select distinct bucket from (
      (select bucket from :SCHEMA.ratelimit_places as p where expires_at <= v_now
        and exists (select from :SCHEMA.ratelimit_buckets as b where b.id = p.bucket and b.limiter = any(p_limiters))
      order by expires_at limit p_limit)
      union all
      (select bucket from :SCHEMA.ratelimit_places as p where seq is not null and told <= v_now - 5e6
        and exists (select from :SCHEMA.ratelimit_buckets as b where b.id = p.bucket and b.limiter = any(p_limiters))
      order by told limit p_limit)
    ) as late limit p_limit
  );
  v_ids := v_ids || array(
    select b.id from :SCHEMA.ratelimit_buckets as b
    where b.has_line and b.limiter = any(p_limiters) and b.id <> all(v_ids)
    order by b.looked_at limit p_limit - cardinality(v_ids)
  );
  return query select b.limiter, b.key from unnest(v_ids) with ordinality as one(id, i)
    cross join lateral (select * from :SCHEMA.ratelimit_buckets as b where b.id = one.id) as b
    where b.limiter = any(p_limiters) order by one.i;
end $$;

-- A page of a limiter's buckets: they forget what they counted. Answers with how many, and where to go on.
create function :SCHEMA.ratelimit_reset(p_limiter text, p_key text, p_after text, p_limit int, out done int, out last text)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_ids bigint[];
begin
  select array_agg(id), max(key) into v_ids, last from (
    select id, key from :SCHEMA.ratelimit_buckets
    where limiter = p_limiter and key >= coalesce(p_key, p_after, '') and (p_key is null or key = p_key)
      and (p_after is null or key > p_after)
    order by limiter, key limit p_limit
  ) as page;
  done := 0;
  if v_ids is null then return; end if;
  if cardinality(v_ids) < p_limit then last := null; end if;
  perform from :SCHEMA.ratelimit_buckets where id = any(v_ids) order by id for update;
  update :SCHEMA.ratelimit_buckets set tat = :SCHEMA.ratelimit_now() where id = any(v_ids) and kind = 'rate';
  get diagnostics done = row_count;
end $$;

-- Places that expired long ago and nobody waits for, of a limiter that nobody has any more; then buckets that nobody
-- uses. Answers with how many of those.
create function :SCHEMA.ratelimit_sweep(p_limit int) returns int language plpgsql as $$
#variable_conflict use_column
declare
  v_now float8 := :SCHEMA.ratelimit_now();
  v_done int;
begin
  perform :SCHEMA.ratelimit_settle(array(
    select id from :SCHEMA.ratelimit_buckets where waiting = 0 and id = any(array(
      select bucket from :SCHEMA.ratelimit_places where expires_at <= v_now - 6e7 order by expires_at limit p_limit
    ))
    order by id for update skip locked
  ), v_now);
  delete from :SCHEMA.ratelimit_buckets where id = any(array(
    select id from :SCHEMA.ratelimit_buckets where idle_at <= v_now order by idle_at limit p_limit for update skip locked
  ));
  get diagnostics v_done = row_count;
  return v_done;
end $$;

-- Sets an override, or deletes it where the limits are null; logs it and says so. Answers whether there was one.
create function :SCHEMA.ratelimit_override(p_limiter text, p_key text, p_limits json, p_actor text, p_reason text)
returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  v_had boolean;
begin
  if p_limits is null then
    delete from :SCHEMA.ratelimit_overrides where limiter = p_limiter and key is not distinct from p_key;
    v_had := found;
    if not v_had then return false; end if;
  else
    v_had := exists (
      select from :SCHEMA.ratelimit_overrides where limiter = p_limiter and key is not distinct from p_key
    );
    insert into :SCHEMA.ratelimit_overrides (limiter, key, limits, actor, reason)
    values (p_limiter, p_key, p_limits, p_actor, p_reason)
    on conflict (limiter, (key is null), (coalesce(key, ''))) do update
    set limits = excluded.limits, actor = excluded.actor, reason = excluded.reason, set_at = now();
  end if;
  insert into :SCHEMA.ratelimit_override_log (limiter, key, limits, actor, reason)
  values (p_limiter, p_key, p_limits, p_actor, p_reason);
  perform pg_notify('oppulence_worker_ratelimit', json_build_array(':SCHEMA')::text);
  return v_had;
end $$;
