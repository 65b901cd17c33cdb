import { describe, expect, it } from "vitest";
import { escapeSchema, fillSchemas } from "../../src/migrations/schema-name.ts";

describe("escapeSchema", () => {
  it.each(["oppulence_worker", "Jobs", "my-jobs", "my jobs", "größe", "_x"])("takes %j", (name) => {
    expect(escapeSchema(name)).toBe(`"${name}"`);
  });

  it.each(["", 'a"b', "a'b", "a\\b", "a$b", "1a", "a.b", "a;b", "pg_jobs", "é".repeat(32), null])(
    "refuses %j by name",
    (name) => {
      expect(() => escapeSchema(name as string)).toThrow(
        /^database: schema: got .*a schema's name/,
      );
    },
  );
});

describe("fillSchemas", () => {
  it("fills in both schemas and nothing that looks like them", () => {
    const sql =
      "create table :SCHEMA.a (b int); select :ENGINE_SCHEMA.add_job('x'), c::SCHEMA, :SCHEMAS";
    expect(fillSchemas(sql, '"$& x"', '"engine"')).toBe(
      'create table "$& x".a (b int); select "engine".add_job(\'x\'), c::SCHEMA, :SCHEMAS',
    );
  });
});
