import { ConfigurationError, didYouMean } from "@oppulence/worker-core";
import { NotFoundError } from "./errors.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** The workflows of this process, by name and by hash. */
export class Registry {
  readonly #byName = new Map<string, AnyWorkflow[]>();

  /** @throws ConfigurationError for one definition that is there twice */
  constructor(workflows: readonly AnyWorkflow[]) {
    for (const workflow of workflows) this.#add(workflow, true);
  }

  #add(workflow: AnyWorkflow, isNamed: boolean): void {
    const same = this.#byName.get(workflow.name) ?? [];
    const known = same.find(({ hash }) => hash === workflow.hash);
    if (known !== undefined) {
      if (isNamed && known !== workflow)
        throw new ConfigurationError([
          `plugin saga: workflow ${JSON.stringify(workflow.name)} is there twice with the same steps; give one of them another version`,
        ]);
      return;
    }
    this.#byName.set(workflow.name, [...same, workflow]);
    for (const { workflow: child } of workflow.steps)
      if (child !== undefined) this.#add(child, false);
  }

  /** All definitions. */
  get all(): readonly AnyWorkflow[] {
    return [...this.#byName.values()].flat();
  }

  /** The definitions of each workflow, the one that new runs start on first. */
  get byName(): ReadonlyMap<string, readonly AnyWorkflow[]> {
    return this.#byName;
  }

  /** The definition with this hash, if this process has it. */
  find(name: string, hash: string): AnyWorkflow | undefined {
    return this.#byName.get(name)?.find((workflow) => workflow.hash === hash);
  }

  /**
   * The definition that new runs start on.
   *
   * @throws NotFoundError
   */
  current(workflow: AnyWorkflow | string): AnyWorkflow {
    const name = typeof workflow === "string" ? workflow : workflow.name;
    const same = this.#byName.get(name);
    const found =
      typeof workflow === "string" ? same?.[0] : same?.find(({ hash }) => hash === workflow.hash);
    if (found !== undefined) return found;
    throw new NotFoundError(
      `no workflow is called ${JSON.stringify(name)} here${didYouMean(name, [...this.#byName.keys()])}; hand it to saga({ workflows })`,
    );
  }
}
