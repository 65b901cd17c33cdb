import type { StepState } from "./moves.ts";
import type { StepView } from "./view.ts";

/** How a graph is written. */
export type GraphFormat = "mermaid" | "dot";

/** What a graph needs to know of a step. */
export type GraphNode = Pick<StepView, "id" | "kind" | "dependsOn"> & {
  readonly state?: StepState;
};

type Look = "waiting" | "active" | "done" | "failed" | "undone" | "left";

const LOOKS: Readonly<Record<StepState, Look>> = {
  pending: "waiting",
  queued: "active",
  running: "active",
  retrying: "active",
  waiting: "active",
  succeeded: "done",
  skipped: "left",
  failed: "failed",
  cancelled: "left",
  undo_pending: "undone",
  undo_queued: "undone",
  undo_running: "undone",
  undo_retrying: "undone",
  undo_waiting: "undone",
  compensated: "undone",
  compensation_failed: "failed",
  compensation_skipped: "left",
};
const COLOURS: Readonly<Record<Look, string>> = {
  waiting: "#eeeeee",
  active: "#bbdefb",
  done: "#c8e6c9",
  failed: "#ffcdd2",
  undone: "#ffe0b2",
  left: "#e0e0e0",
};

/** A graph of steps, coloured by state where the steps have one. */
export function writeGraph(name: string, nodes: readonly GraphNode[], format: GraphFormat): string {
  return format === "dot" ? dot(name, nodes) : mermaid(nodes);
}

function mermaid(nodes: readonly GraphNode[]): string {
  const lines = ["flowchart TD"];
  const numbers = new Map(nodes.map(({ id }, index) => [id, index]));
  for (const [index, node] of nodes.entries()) lines.push(`  s${index}["${label(node, "<br/>")}"]`);
  for (const [index, { dependsOn }] of nodes.entries())
    for (const need of dependsOn) lines.push(`  s${numbers.get(need)} --> s${index}`);
  for (const [look, colour] of Object.entries(COLOURS)) {
    const those = nodes.flatMap(({ state }, index) =>
      state !== undefined && LOOKS[state] === look ? [`s${index}`] : [],
    );
    if (those.length === 0) continue;
    lines.push(`  classDef ${look} fill:${colour},stroke:#555555,color:#222222`);
    lines.push(`  class ${those.join(",")} ${look}`);
  }
  return lines.join("\n");
}

function dot(name: string, nodes: readonly GraphNode[]): string {
  const lines = [`digraph ${JSON.stringify(name)} {`, "  node [shape=box, style=filled];"];
  for (const node of nodes) {
    const colour = COLOURS[node.state === undefined ? "waiting" : LOOKS[node.state]];
    lines.push(
      `  ${JSON.stringify(node.id)} [label="${label(node, "\\n")}", fillcolor="${colour}"];`,
    );
  }
  for (const { id, dependsOn } of nodes)
    for (const need of dependsOn) lines.push(`  ${JSON.stringify(need)} -> ${JSON.stringify(id)};`);
  lines.push("}");
  return lines.join("\n");
}

/** Ids are letters, digits and `_ . -`: nothing in them has to be escaped. */
function label({ id, kind, state }: GraphNode, newLine: string): string {
  const what = [kind === "step" ? "" : kind, state ?? ""].filter(Boolean).join(", ");
  return what === "" ? id : `${id}${newLine}${what}`;
}
