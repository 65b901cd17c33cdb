import { describe } from "vitest";
import type { Start, StoreFixture } from "./store-fixture.ts";
import { housekeeping } from "./suite-housekeeping.ts";
import { kinds } from "./suite-kinds.ts";
import { leases } from "./suite-leases.ts";
import { heldPlaces, several } from "./suite-places.ts";
import { properties } from "./suite-properties.ts";
import { rates } from "./suite-rates.ts";

/**
 * What every store does.
 *
 * @param make - makes storage that nobody else uses, for one test
 * @param isLeftOut - where a program that it needs is missing
 */
export function storeSuite(
  name: string,
  make: () => Promise<StoreFixture>,
  isLeftOut = false,
): void {
  describe.skipIf(isLeftOut)(`a store in ${name}`, () => {
    const start: Start = async (options) => (await make()).open(options);
    rates(start);
    leases(start);
    heldPlaces(start);
    several(start);
    kinds(start);
    housekeeping(start, make);
    properties(start, make);
  });
}
