import { describe, expect, it } from "vitest";
import { engineDefaults } from "../src/engine-defaults.ts";

describe("engineDefaults", () => {
  it("turns on the local queue of the graphile-worker that is installed", () => {
    expect(engineDefaults()).toEqual({ localQueue: { size: 500 } });
  });

  it("leaves it off before 0.18, where it runs jobs of one named queue beside each other", () => {
    expect(engineDefaults("0.17.3")).toEqual({});
    expect(engineDefaults("0.18.0")).toEqual({ localQueue: { size: 500 } });
    expect(engineDefaults("1.0.0")).toEqual({ localQueue: { size: 500 } });
  });
});
