/**
 * Brands instead of `instanceof`: two copies of this package in one program, or a plugin built against
 * another minor of it, still recognise each other's values. `Symbol.for` is shared by all of them.
 */
export const BRAND: unique symbol = Symbol.for("@oppulence/worker:brand");

/** What a branded value says it is. */
export type Brand = "plugin" | "task" | "taken" | "defer-signal" | "worker" | "client";

/** A value that carries a {@link Brand}. */
export interface Branded<B extends Brand> {
  readonly [BRAND]: B;
}

/**
 * Whether a value carries the given brand, whichever copy of the package made it.
 *
 * @param value - anything
 * @param brand - the brand looked for
 */
export function hasBrand<B extends Brand>(value: unknown, brand: B): value is Branded<B> {
  return (
    (typeof value === "object" || typeof value === "function") &&
    value !== null &&
    (value as Partial<Branded<Brand>>)[BRAND] === brand
  );
}
