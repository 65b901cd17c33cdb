import { describe, expect, it } from "vitest";
import { addressOf } from "../../src/migrations/address.ts";

describe("addressOf", () => {
  it.each<[unknown, string]>([
    [{ options: { host: "db", port: 6000, database: "app", password: "s3cr3t" } }, "db:6000/app"],
    [{ host: "db", port: 6000, database: "app" }, "db:6000/app"],
    [{ options: { connectionString: "postgres://me:s3cr3t@db:6000/app?x=1" } }, "db:6000/app"],
    [{ options: { connectionString: "postgres://me:s3cr3t@db/my%20app" } }, "db:5432/my app"],
    [{ options: { connectionString: "postgres:///app?host=/run/pg" } }, "/run/pg:5432/app"],
    [{ options: { connectionString: "/run/pg app" } }, "/run/pg:5432/app"],
    [
      { options: { connectionString: "http://me:s3cr3t@db/app" } },
      "(unreadable connection string):?/?",
    ],
    [{ options: { connectionString: "me:s3cr3t at db" } }, "(unreadable connection string):?/?"],
    [{ options: { connectionString: "postgres://me:s3cr3t@db/%ff" } }, "db:5432/%ff"],
  ])("prints %j as %s", (connection, address) => {
    expect(addressOf(connection)).toBe(address);
  });
});
