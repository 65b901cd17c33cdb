import { definePlugin, drop } from "@oppulence/worker-core";
import { inspectedTables } from "@oppulence/worker-core/engine-testing";
import type { ConformanceFixtures } from "../../../src/conformance.ts";

/** Keeps jobs out with a trigger, whoever adds them; tells those that it can why. */
export const plugin = () =>
  definePlugin({
    name: "sql-gate",
    producers: "enforced-in-sql",
    setup: ({ query, schema }) => {
      let isClosed = false;
      const { jobs } = inspectedTables();
      const refuse = `${schema}.sql_gate_refuse`;
      return {
        api: {
          close: async () => {
            isClosed = true;
            await query(
              `create function ${refuse}() returns trigger language plpgsql as $$ begin raise 'the gate is closed'; end $$`,
            );
            await query(
              `create trigger sql_gate before insert on ${jobs} execute function ${refuse}()`,
            );
          },
        },
        beforeEnqueue: {
          phase: "admit",
          onError: "closed",
          run: () =>
            isClosed ? drop({ code: "CLOSED", message: "the gate is closed" }) : undefined,
        },
      };
    },
  });

export const fixtures: ConformanceFixtures = {
  stops: { setup: ({ api }) => api.close(), expect: "drop", code: "CLOSED" },
};
