/** Something that is wrong in the repo. The message says what was got and what would be right. */
export interface Problem {
  /** Relative to the root. */
  readonly file: string;
  readonly line?: number | undefined;
  readonly message: string;
}

/**
 * One rule of the gate. Each lives in a file of its own in `checks/`, from where the runner takes it,
 * and has a test in `scripts/test/` that seeds a fault and sees it reported.
 */
export interface Check {
  readonly name: string;
  /** What it makes sure of, in a few words. */
  readonly about: string;
  /** Work that has to be done once in the real repo before `run`, such as a build. */
  prepare?(root: string): Promise<Problem[]>;
  /**
   * @param root - the folder of the repo, or of a tree that stands in for one.
   * @returns every problem found; an empty array is a pass.
   */
  run(root: string): Problem[] | Promise<Problem[]>;
}

/** `file:line: message`, as editors and terminals can open it. */
export const printProblem = ({ file, line, message }: Problem): string =>
  `${file}${line === undefined ? "" : `:${line}`}: ${message}`;
