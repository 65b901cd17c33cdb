import type { AdmitRequest, Admitted } from "./store.ts";

/**
 * Places that this process was told it has. Only these are renewed: a place whose answer got lost belongs to nobody and
 * ends by itself.
 */
export class HeldPlaces {
  readonly #places = new Map<string, Map<string, number>>();

  add(holder: string, requests: readonly AdmitRequest[], { answers }: Admitted): void {
    for (const [index, { id, demands }] of requests.entries()) {
      if (answers[index]?.kind !== "admitted") continue;
      const places = demands.flatMap(({ bucket: { limiter, key, rule } }) =>
        rule.kind === "places" ? [`${limiter}\0${key}`] : [],
      );
      if (places.length > 0) this.#of(holder).set(id, new Set(places).size);
    }
  }

  /** Given back, or about to be. */
  delete(holder: string, ids: readonly string[]): void {
    const places = this.#places.get(holder);
    if (places === undefined) return;
    for (const id of ids) places.delete(id);
    if (places.size === 0) this.#places.delete(holder);
  }

  /** Ids and how many places each has. */
  of(holder: string): ReadonlyMap<string, number> {
    return new Map(this.#places.get(holder));
  }

  has(holder: string, id: string): boolean {
    return this.#places.get(holder)?.has(id) ?? false;
  }

  #of(holder: string): Map<string, number> {
    let places = this.#places.get(holder);
    if (places === undefined) {
      places = new Map();
      this.#places.set(holder, places);
    }
    return places;
  }
}
