import { describe, expect, it, onTestFinished } from "vitest";
import { probedPool } from "../../src/faults/child/probe-pool.ts";
import { testDatabase } from "../../src/vitest.ts";

const probed = async () => {
  const { url } = await testDatabase();
  const told: string[] = [];
  const pool = probedPool(
    { connectionString: url, max: 1 },
    {
      before: ({ name, text, index }) => told.push(`${index} before ${name ?? text}`),
      after: ({ name, text, index }, rows) => told.push(`${index} after ${name ?? text} ${rows}`),
    },
  );
  onTestFinished(() => pool.end());
  return { pool, told };
};

describe("probedPool", () => {
  it("tells of statements of the pool and of its clients, with what came back", async () => {
    const { pool, told } = await probed();
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    const client = await pool.connect();
    await client.query({ text: "select $1::int", values: [2], name: "ow_defer/graphile_worker" });
    await client.query("select; select 3; select 4");
    client.release();
    expect(told).toEqual([
      "1 before select 1 as one",
      "1 after select 1 as one 1",
      "2 before defer",
      "2 after defer 1",
      "3 before select; select 3; select 4",
      "3 after select; select 3; select 4 3",
    ]);
  });

  it("tells of statements with callbacks, and leaves errors as they are", async () => {
    const { pool, told } = await probed();
    const rows = await new Promise((resolve, reject) => {
      void pool.query("select 5 as five", (error, result) =>
        error ? reject(error) : resolve(result.rows),
      );
    });
    expect(rows).toEqual([{ five: 5 }]);
    await expect(pool.query("select wrong")).rejects.toThrow('column "wrong" does not exist');
    expect(told.at(-1)).toBe("2 before select wrong");
  });

  it("gives the statements of the core and the engine their short names", async () => {
    const { pool, told } = await probed();
    for (const name of ["get_job/graphile_worker", "get_job500FN/x", "complete_job_q/x"]) {
      await pool.query({ text: "select", name });
    }
    expect(told.filter((line) => line.includes("before"))).toEqual([
      "1 before get_job",
      "2 before get_job",
      "3 before complete_job_q",
    ]);
  });
});
