create table if not exists public.stray_things (id int);
create table :SCHEMA.things (id int);
