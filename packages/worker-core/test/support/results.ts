import type { EnqueueResult } from "../../src/index.ts";

/** The id of a job that was added. */
export function idOf(result: EnqueueResult | undefined): string {
  if (result?.status === "added") return result.id;
  throw new Error(`no job was added: ${JSON.stringify(result)}`);
}

/** What a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<any> {
  const value = await promise.catch((error: unknown) => ({ error }));
  if (typeof value === "object" && value !== null && "error" in value) return value.error;
  throw new Error(`it did not reject, it resolved to ${JSON.stringify(value)}`);
}
