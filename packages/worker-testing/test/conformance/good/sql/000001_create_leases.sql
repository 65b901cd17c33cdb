create table :SCHEMA.turnstile_leases (
  job_id bigint primary key,
  expires_at timestamptz not null
);
create table :SCHEMA.turnstile_gates (
  closed boolean not null
);
