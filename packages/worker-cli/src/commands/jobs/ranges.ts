import type { Range } from "../../values/read-values.ts";

/** What graphile-worker's column takes. */
export const PRIORITY_RANGE: Range = { least: -32_768, most: 32_767 };
/** What graphile-worker's column takes. */
export const ATTEMPTS_RANGE: Range = { least: 1, most: 32_767 };
