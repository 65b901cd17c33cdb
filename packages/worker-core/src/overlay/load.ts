import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf } from "../errors.ts";
import { printValue } from "../print-value.ts";
import type { OptionIssue } from "../validate.ts";
import { type OverlayDocument, parseOverlayDocument } from "./document.ts";
import { ENV_FILE, type EnvEntry, readEnvironment } from "./environment.ts";
import { InvalidOverlayError } from "./errors.ts";
import { type Overlay, originIn } from "./overlay.ts";
import { checkDocumentShape, checkVariableShape } from "./shape.ts";

/** Where the overlay comes from. */
export interface LoadOverlayOptions {
  /** YAML or JSON file. @defaultValue the variable `OPPULENCE_WORKER_CONFIG`; without it there is no file */
  readonly file?: string;
  /** The environment. @defaultValue `process.env` */
  readonly env?: NodeJS.ProcessEnv;
  /** What a relative `file` is relative to. @defaultValue the process's working directory */
  readonly cwd?: string;
}

/**
 * Reads the config overlay: the file, then the environment's variables, which override it.
 *
 * The file holds `plugins.<name>` (`enabled`, and the plugin's options) and `worker` (graphile-worker's
 * options). A variable is `OPPULENCE_WORKER__PLUGINS__CRON__ENABLED=false`.
 *
 * Synchronous: it runs once, before anything is connected, so that `createWorker` needs no promise.
 *
 * @returns an empty overlay when there is neither a file nor a variable
 * @throws InvalidOverlayError for a file that is named and not there, and for anything in the file or a
 * variable that cannot be read, with its place
 */
export function loadOverlay(options: LoadOverlayOptions = {}): Overlay {
  const env = options.env ?? process.env;
  const issues: OptionIssue[] = [];
  const variables = readEnvironment(env, issues);
  issues.push(...variables.flatMap(checkVariableShape));
  if (issues.length > 0) throw new InvalidOverlayError(issues);

  const named = options.file ?? (env[ENV_FILE] || undefined);
  if (named === undefined) return makeOverlay(variables);
  const namedBy = options.file === undefined ? `, named by ${ENV_FILE}` : "";
  const file = resolve(options.cwd ?? process.cwd(), named);
  return readOverlay(file, variables, { label: named, namedBy });
}

/** How messages name the file. */
interface FileNaming {
  readonly label: string;
  readonly namedBy: string;
}

/**
 * Reads an overlay's file with variables that were read before.
 *
 * @param file - absolute path
 * @throws InvalidOverlayError as {@link loadOverlay} does
 */
function readOverlay(
  file: string,
  variables: readonly EnvEntry[],
  { label, namedBy }: FileNaming,
): Overlay {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const message = `cannot read the file ${printValue(label)}${namedBy}: ${messageOf(error)}`;
    throw new InvalidOverlayError([{ path: "", message }], { cause: error });
  }
  return parseOverlay(text, { file, label, variables });
}

/** Makes an overlay of a file's text, with the variables of one that was loaded before. */
export function parseOverlay(
  text: string,
  {
    file,
    label,
    variables,
  }: { readonly file: string; readonly label: string; readonly variables: readonly EnvEntry[] },
): Overlay {
  const document = parseOverlayDocument(text, label);
  const issues = checkDocumentShape(document.value, document.locate);
  if (issues.length > 0) throw new InvalidOverlayError(issues);
  return makeOverlay(variables, { file, label, text, document });
}

function makeOverlay(
  variables: readonly EnvEntry[],
  source?: {
    readonly file: string;
    readonly label: string;
    readonly text: string;
    readonly document: OverlayDocument;
  },
): Overlay {
  return Object.freeze({
    file: source?.file,
    label: source?.label,
    text: source?.text,
    document: source?.document,
    variables,
    origin: (path: readonly (string | number)[]) => originIn(source?.document, variables, path),
  });
}
