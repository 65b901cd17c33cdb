/** A fenced block of code in a Markdown file. */
export interface CodeBlock {
  /** The language and whatever follows it on the opening fence. */
  readonly info: string;
  /** The line of the opening fence, counted from 1. */
  readonly line: number;
  readonly code: string;
}

export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly line: number;
}

/** Splits a Markdown text into its fenced blocks and the headings outside of them. */
export const parseMarkdown = (text: string): { blocks: CodeBlock[]; headings: Heading[] } => {
  const blocks: CodeBlock[] = [];
  const headings: Heading[] = [];
  let open:
    | { fence: string; indent: string; info: string; line: number; code: string[] }
    | undefined;
  for (const [index, content] of text.split("\n").entries()) {
    const line = index + 1;
    const [, indent = "", fence, info = ""] = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(content) ?? [];
    if (open) {
      const closes = fence?.startsWith(open.fence) && info.trim() === "";
      if (closes) {
        blocks.push({ info: open.info, line: open.line, code: open.code.join("\n") });
        open = undefined;
      } else
        open.code.push(
          content.startsWith(open.indent) ? content.slice(open.indent.length) : content,
        );
    } else if (fence) open = { fence, indent, info: info.trim(), line, code: [] };
    else {
      const [, marks, title = ""] = /^(#{1,6}) +(.*?)\s*#*$/.exec(content) ?? [];
      if (marks) headings.push({ level: marks.length, text: title, line });
    }
  }
  if (open) blocks.push({ info: open.info, line: open.line, code: open.code.join("\n") });
  return { blocks, headings };
};
