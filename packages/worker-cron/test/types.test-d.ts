import { createWorker, defineTask } from "@oppulence/worker-core";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { type CronApi, cron, defineSchedule } from "../src/index.ts";

const payloadSchema = z.object({ region: z.string(), limit: z.coerce.number().default(10) });

describe("defineSchedule", () => {
  it("types payload, handler and onSuccess", () => {
    defineSchedule({
      key: "a",
      cron: "@daily",
      payloadSchema,
      payload: { region: "eu" },
      handler: (payload, { scheduledAt, previous }) => {
        expectTypeOf(payload).toEqualTypeOf<{ region: string; limit: number }>();
        expectTypeOf(scheduledAt).toEqualTypeOf<Date>();
        expectTypeOf(previous).toEqualTypeOf<Date | undefined>();
        return { rows: payload.limit };
      },
      onSuccess: (result) => {
        expectTypeOf(result).toEqualTypeOf<{ rows: number }>();
      },
    });
    defineSchedule({
      key: "b",
      cron: "@daily",
      payloadSchema,
      // @ts-expect-error the schema wants a string
      payload: { region: 1 },
      handler: () => {},
    });
  });

  it("types buildPayload and asynchronous handlers", () => {
    defineSchedule({
      key: "c",
      cron: "@daily",
      payloadSchema,
      buildPayload: ({ scheduledAt }) => ({ region: scheduledAt.toISOString() }),
      handler: async () => 7,
      onSuccess: (result) => {
        expectTypeOf(result).toEqualTypeOf<number>();
      },
    });
  });
});

describe("worker.plugins.cron", () => {
  const schedule = defineSchedule({ key: "d", cron: "@daily", payloadSchema, handler: () => {} });
  const plain = defineSchedule({ key: "e", cron: "@daily", handler: () => {} });
  const task = defineTask({ identifier: "t", run: () => {} });
  const make = () =>
    createWorker({ plugins: [cron({ schedules: [schedule, plain] })], tasks: [task] });

  it("is the API", () => {
    expectTypeOf<ReturnType<typeof make>["plugins"]["cron"]>().toEqualTypeOf<CronApi>();
  });

  it("checks what scheduleOnce is given", () => {
    const once = (api: CronApi) => [
      api.scheduleOnce(schedule, { region: "eu" }),
      api.scheduleOnce(plain, { anything: 1 }),
      // @ts-expect-error the schema wants a region
      api.scheduleOnce(schedule, { regoin: "eu" }),
    ];
    expectTypeOf(once).toBeFunction();
  });
});
