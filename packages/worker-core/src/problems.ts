import { ConfigurationError, isConfigurationError, messageOf } from "./errors.ts";
import { InvalidOverlayError, isInvalidOverlayError } from "./overlay/errors.ts";
import { InvalidOptionsError, isInvalidOptionsError } from "./validate.ts";

/** What an error has to say, one sentence a problem. */
export function sentencesOf(error: unknown): readonly string[] {
  if (isConfigurationError(error)) return error.problems;
  if (isInvalidOptionsError(error)) {
    return error.issues.map((issue) => new InvalidOptionsError(error.where, [issue]).message);
  }
  if (isInvalidOverlayError(error)) {
    return error.issues.map((issue) => new InvalidOverlayError([issue]).message);
  }
  return [messageOf(error)];
}

/** Collects what is wrong with a configuration, so that all of it is told at once. */
export class Problems {
  readonly #errors: unknown[] = [];

  /**
   * Runs a check.
   *
   * @returns what it returned, or undefined when it threw
   */
  attempt<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      this.#errors.push(error);
      return undefined;
    }
  }

  /** One sentence each. */
  get sentences(): string[] {
    return this.#errors.flatMap(sentencesOf);
  }

  /**
   * Ends a configuration that has problems.
   *
   * @throws the error itself when there was one, else a ConfigurationError with every sentence
   */
  throwIfAny(): void {
    if (this.#errors.length === 1) throw this.#errors[0];
    if (this.#errors.length > 1) throw new ConfigurationError(this.sentences);
  }
}
