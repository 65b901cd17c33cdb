import stringWidth from "string-width";

const ELLIPSIS = "…";
const segmenter = new Intl.Segmenter();

/** Columns that a text takes on a terminal: two for CJK and emoji, none for combining marks. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/**
 * Cuts a text to a width, between characters as people see them.
 *
 * @param width - columns; what is cut ends in an ellipsis
 */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let fitted = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += widthOf(segment);
    if (used > width - 1) break;
    fitted += segment;
  }
  return fitted + ELLIPSIS;
}

/** Fills a text up with spaces. */
export function pad(text: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + space : space + text;
}
