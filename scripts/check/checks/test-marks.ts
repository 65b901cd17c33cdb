import ts from "typescript";
import type { Check, Problem } from "../check.ts";
import { filesIn, isScript, read } from "../repo.ts";

const RUNNERS = new Set(["it", "test", "describe", "suite", "bench"]);
const MARKS = new Set(["skip", "only", "todo", "fails"]);
const ALIASES = new Set(["xit", "xtest", "xdescribe", "fit", "fdescribe"]);

/** The identifier that a chain such as `it.concurrent.only` or `it.each(rows).skip` begins with. */
const root = (node: ts.Expression): string | undefined => {
  if (ts.isIdentifier(node)) return node.text;
  return ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)
    ? root(node.expression)
    : undefined;
};

const markOf = (node: ts.Node): string | undefined => {
  if (ts.isPropertyAccessExpression(node) && MARKS.has(node.name.text)) {
    const runner = root(node.expression);
    return runner && RUNNERS.has(runner) ? `${runner}.${node.name.text}` : undefined;
  }
  const called =
    ts.isCallExpression(node) && ts.isIdentifier(node.expression) ? node.expression.text : "";
  return ALIASES.has(called) ? called : undefined;
};

export const check: Check = {
  name: "test-marks",
  about: "no test is skipped, focused, left to do or expected to fail",
  run(rootFolder) {
    return filesIn(rootFolder)
      .filter((file) => isScript(file) && file.includes("test"))
      .flatMap((file) => {
        const source = ts.createSourceFile(file, read(rootFolder, file), ts.ScriptTarget.Latest);
        const problems: Problem[] = [];
        const visit = (node: ts.Node): void => {
          const mark = markOf(node);
          if (mark) {
            const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
            const right = "make it pass or delete it (`skipIf` is for a missing system program)";
            problems.push({ file, line, message: `${mark} leaves tests out: ${right}` });
          }
          ts.forEachChild(node, visit);
        };
        visit(source);
        return problems;
      });
  },
};
