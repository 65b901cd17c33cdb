/** One line of an exposition. */
interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric of an exposition. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly lines: readonly Line[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const SUFFIXES = ["_bucket", "_sum", "_count"];

/**
 * Reads Prometheus's text format 0.0.4, strictly: every sample belongs to the family announced before it,
 * no family and no series comes twice, histograms add up.
 *
 * @throws Error naming the line
 */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, { type: string; help: string; lines: Line[] }>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let current = "";
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  for (const line of text.split("\n")) {
    const fail = (problem: string) => new Error(`${problem}: ${line}`);
    if (line === "") continue;
    const [, helped, words = ""] = HELP.exec(line) ?? [];
    if (helped !== undefined) {
      help = { name: helped, text: words };
      continue;
    }
    const [, typed, type = ""] = TYPE.exec(line) ?? [];
    if (typed !== undefined) {
      if (help?.name !== typed) throw fail("a type without its help");
      if (families.has(typed)) throw fail("a family that comes twice");
      families.set(typed, { type, help: help.text, lines: [] });
      current = typed;
      continue;
    }
    const sample = parseSample(line);
    const family = families.get(current);
    const isOwn =
      sample.name === current ||
      (family?.type === "histogram" && SUFFIXES.some((suffix) => sample.name === current + suffix));
    if (family === undefined || !isOwn) throw fail("a sample outside of its family");
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw fail("a series that comes twice");
    seen.add(key);
    family.lines.push(sample);
  }
  for (const [name, family] of families)
    if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

function parseSample(line: string): Line {
  const [, name, inside = "", number = ""] = SAMPLE.exec(line) ?? [];
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (name === undefined || number === "" || Number.isNaN(value))
    throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inside.length) {
    const [, label, text = ""] = LABEL.exec(inside) ?? [];
    if (label === undefined || label in labels)
      throw new Error(`labels that cannot be read: ${line}`);
    labels[label] = text.replace(/\\(["\\n])/g, (_, escaped) => (escaped === "n" ? "\n" : escaped));
  }
  return { name, labels, value };
}

function checkHistogram(name: string, { lines }: Family): void {
  const groups = Map.groupBy(lines, ({ labels: { le: _, ...rest } }) => JSON.stringify(rest));
  for (const [labels, group] of groups) {
    const buckets = group.filter((line) => line.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le } }) =>
      le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le),
    );
    const counts = buckets.map(({ value }) => value);
    const ascends = (numbers: number[]) =>
      numbers.every((one, at) => at === 0 || one >= (numbers[at - 1] as number));
    const count = group.find((line) => line.name === `${name}_count`)?.value;
    const hasSum = group.some((line) => line.name === `${name}_sum`);
    if (
      !ascends(bounds) ||
      !ascends(counts) ||
      bounds.at(-1) !== Number.POSITIVE_INFINITY ||
      counts.at(-1) !== count ||
      !hasSum
    ) {
      throw new Error(`a histogram that does not add up: ${name} ${labels}`);
    }
  }
}

/** The value of one series; undefined when it is not there. */
export function readValue(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const families = parseExposition(text);
  const lines = [...families.values()].flatMap((family) => family.lines);
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return lines.find(
    (line) => line.name === name && JSON.stringify(Object.entries(line.labels).sort()) === wanted,
  )?.value;
}
