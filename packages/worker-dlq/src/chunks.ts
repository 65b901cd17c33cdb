import type { DlqFilter } from "./filter.ts";
import type { Ceiling, DlqStore, Sized } from "./postgres-store.ts";

/** Ids that one query reads. */
const PAGE = 1_000;
/** Entries of a chunk, and bytes of their payloads, unless one alone has more. */
const MOST = 500;
const MOST_BYTES = 8_000_000;

/**
 * The entries that filters mean, as lists of ids that can be held in memory with their payloads: oldest
 * first, those that were there when it began.
 *
 * @param most - entries of a list
 * @param isUnread - payloads will not be read, so their sizes do not matter: lists are of a whole page
 */
export async function* chunksOf(
  store: Pick<DlqStore, "page">,
  filters: readonly DlqFilter[],
  ceiling: Pick<Ceiling, "id">,
  most: number = MOST,
  isUnread = false,
): AsyncGenerator<readonly string[]> {
  let after = "0";
  for (;;) {
    const page = await store.page(filters, after, ceiling.id, PAGE);
    if (!isUnread) yield* cutChunks(page, most);
    else if (page.length > 0) yield page.map(({ id }) => id);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

/** Cuts entries into lists of bounded number and size. */
export function* cutChunks(entries: readonly Sized[], most: number): Generator<readonly string[]> {
  let chunk: string[] = [];
  let bytes = 0;
  for (const { id, payload_size: size } of entries) {
    if (chunk.length > 0 && (chunk.length === most || bytes + size > MOST_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(id);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
