import type { Schema } from "@oppulence/worker-core";

/**
 * A payload as JSON.
 *
 * @throws TypeError for what is not JSON
 */
export function toJson(payload: unknown): string {
  const text = JSON.stringify(payload ?? {});
  if (text === undefined) throw new TypeError(`got ${typeof payload}, which is not JSON`);
  return text;
}

/**
 * What a schema says against a payload, as one text.
 *
 * @returns undefined when it is right; a promise where the schema answers with one
 */
export function problemOfPayload(
  schema: Schema<any, any> | undefined,
  payload: unknown,
): string | undefined | Promise<string | undefined> {
  if (schema === undefined) return undefined;
  const tell = (result: Awaited<ReturnType<Schema["~standard"]["validate"]>>) =>
    result.issues?.map(({ path = [], message }) => `${pathText(path)}${message}`).join(", ");
  const result = schema["~standard"].validate(payload);
  return result instanceof Promise ? result.then(tell) : tell(result);
}

function pathText(path: readonly unknown[]): string {
  const keys = path.map((segment) =>
    typeof segment === "object" && segment !== null ? (segment as { key: unknown }).key : segment,
  );
  return keys.length === 0 ? "" : `${keys.map(String).join(".")}: `;
}
