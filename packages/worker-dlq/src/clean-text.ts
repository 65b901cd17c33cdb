/** Half of a surrogate pair, by itself. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * A text that PostgreSQL can store, of bounded length.
 *
 * PostgreSQL's text holds neither a NUL byte nor half of a character: both are escaped so that they can
 * still be seen (`\0`, `\ud800`), nothing else is changed.
 *
 * @param text - any string
 * @param longest - characters that are kept; a longer text ends in `…`
 */
export function cleanText(text: string, longest: number): string {
  const kept = text.length > longest ? `${cut(text, longest - 1)}…` : text;
  const storable = kept.includes("\0") ? kept.replaceAll("\0", "\\0") : kept;
  return storable.isWellFormed() ? storable : storable.replace(LONE_SURROGATE, escapeSurrogate);
}

/** Cuts between characters, not through one. */
function cut(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? length - 1 : length);
}

function escapeSurrogate(half: string): string {
  return `\\u${half.charCodeAt(0).toString(16)}`;
}
