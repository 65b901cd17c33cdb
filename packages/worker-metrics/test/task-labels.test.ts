import { describe, expect, it } from "vitest";
import { TaskLabels } from "../src/task-labels.ts";

describe("TaskLabels", () => {
  it("gives labels until there are enough, then other, and tells once", () => {
    let full = 0;
    const labels = new TaskLabels(
      2,
      (label) => label,
      () => {
        full += 1;
      },
    );
    expect(["a", "b", "c", "d", "a"].map((task) => labels.of(task))).toEqual([
      "a",
      "b",
      "other",
      "other",
      "a",
    ]);
    expect([...labels.labels]).toEqual(["a", "b"]);
    expect(full).toBe(1);
  });

  it("makes no label for a name that only the database knows", () => {
    const labels = new TaskLabels(
      2,
      (label) => label,
      () => {},
    );
    labels.of("a");
    expect([labels.labelOf("a"), labels.labelOf("z")]).toEqual(["a", "other"]);
    expect([...labels.labels]).toEqual(["a"]);
  });
});
