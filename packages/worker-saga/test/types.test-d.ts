import { z } from "zod";
import { defineWorkflow } from "../src/index.ts";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

const child = defineWorkflow({
  name: "child",
  input: z.object({ n: z.number() }),
  steps: (flow) => flow.step({ id: "double", execute: ({ input }) => input.n * 2 }),
});

export const order = defineWorkflow({
  name: "order",
  input: z.object({ sku: z.string(), at: z.coerce.date() }),
  steps: (flow) =>
    flow
      .step({
        id: "reserve",
        execute: async ({ input }) => {
          same<typeof input.at, Date>(true);
          return { place: input.sku, at: new Date() };
        },
        compensate: ({ result, failure }) => {
          same<typeof result, { place: string; at: string } | undefined>(true);
          return failure.message;
        },
      })
      .step({
        id: "charge",
        execute: ({ results }) => {
          same<typeof results.reserve.at, string>(true);
          return 7;
        },
      })
      .step({
        id: "gift",
        dependsOn: ["reserve"],
        when: ({ results }) => results.reserve.place === "x",
        execute: () => "ribbon",
      })
      .each({
        id: "pack",
        dependsOn: ["charge"],
        items: ({ results }) => [results.charge, 2],
        execute: ({ item, index }) => ({ item, index }),
      })
      .waitForSignal({ id: "paid", schema: z.object({ by: z.string() }) })
      .sleep({ id: "rest", for: "1s" })
      .child({ id: "sub", workflow: child, childInput: () => ({ n: 1 }) })
      .step({
        id: "ship",
        dependsOn: ["gift", "pack", "paid", "sub"],
        execute: async ({ results }) => {
          same<typeof results.gift, string | undefined>(true);
          same<typeof results.paid, { by: string }>(true);
          same<typeof results.sub, Partial<{ double: number } & Record<never, never>>>(true);
          const all = await results.pack.all();
          same<(typeof all)[number], { item: number; index: number }>(true);
          // @ts-expect-error: it does not depend on reserve
          return results.reserve;
        },
      })
      .always({ id: "clean", execute: ({ failure }) => failure?.message }),
});

defineWorkflow({
  name: "wrong",
  steps: (flow) =>
    flow
      .step({ id: "a", execute: () => 1 })
      // @ts-expect-error: no such step
      .step({ id: "b", dependsOn: ["aa"], execute: () => 1 }),
});
