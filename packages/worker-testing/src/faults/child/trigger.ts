import type { ParsedPoint } from "../point.ts";
import { die } from "./die.ts";
import type { Reach } from "./probe-plugins.ts";
import type { StatementProbe } from "./probe-pool.ts";
import type { ChildOrder } from "./protocol.ts";
import { printStatement, type Statement } from "./statement.ts";
import { tell } from "./tell.ts";

/** Kills the process when it comes to a point. */
export interface Trigger {
  /** For the probes in hooks. */
  readonly reach: Reach;
  /** For the probe on the pool. */
  readonly statements: StatementProbe;
}

/** Makes the {@link Trigger} of an order. Each label is told to the parent once, for its messages. */
export function createTrigger(fault: ChildOrder["fault"]): Trigger {
  const told = new Set<string>();
  let left = fault?.occurrence ?? 0;

  function pass(label: string, isPoint: boolean): void {
    if (fault !== undefined && !told.has(label)) {
      told.add(label);
      tell({ type: "point", label });
    }
    if (!isPoint) return;
    left -= 1;
    if (left > 0) return;
    tell({ type: "killing", label });
    die();
  }

  const point = fault?.point;
  const passStatement = (statement: Statement, when: "before" | "after", rowCount = 1) => {
    if (point?.kind !== "statement" || (fault?.withRows === true && rowCount === 0)) return;
    pass(`statement ${printStatement(statement)}:${when}`, isStatement(point, statement, when));
  };
  return {
    reach: (label) => pass(label, point?.kind === "label" && point.label === label),
    statements: {
      before: (statement) => passStatement(statement, "before"),
      after: (statement, rowCount) => passStatement(statement, "after", rowCount),
    },
  };
}

function isStatement(
  point: Extract<ParsedPoint, { kind: "statement" }>,
  { name, text, index }: Statement,
  when: "before" | "after",
): boolean {
  if (point.when !== when) return false;
  if (point.index !== undefined) return point.index === index;
  if (point.name !== undefined) return point.name === name;
  const { source = "", flags = "" } = point.pattern ?? {};
  // A new one each time: with the flag g it would remember where it stopped.
  return new RegExp(source, flags).test(name ?? "") || new RegExp(source, flags).test(text);
}
