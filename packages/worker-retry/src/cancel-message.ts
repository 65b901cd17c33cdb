import { z } from "zod";

/** The channel of requests and answers, of all workers of the database. */
export const CANCEL_CHANNEL = "oppulence_worker_cancel";

/** One claim of one job: whoever claims it later is not meant. */
export interface Claim {
  readonly id: string;
  /** The pool of the engine that holds it. */
  readonly pool: string;
  /** When it was claimed, by the database's clock: milliseconds since the epoch. */
  readonly lockedAtMs: number;
}

/** Asks the workers that hold these claims to cancel them. */
export interface CancelRequest {
  readonly kind: "cancel";
  /** Names the request in its answers. */
  readonly request: string;
  readonly reason: string;
  readonly claims: readonly Claim[];
}

/** What one worker says of those of a request's claims that are its own. */
export interface CancelAnswer {
  readonly kind: "answer";
  readonly request: string;
  /** Ids whose run was told, or will not start. */
  readonly told: readonly string[];
  /** Ids whose claim had ended. */
  readonly missed: readonly string[];
}

/** PostgreSQL takes payloads of less than 8,000 bytes. */
const MOST_BYTES = 7_900;
const MOST_REASON = 500;

const VERSION = 1;
const requestSchema = z.object({
  v: z.literal(VERSION),
  cancel: z.string(),
  reason: z.string(),
  claims: z.array(z.tuple([z.string(), z.string(), z.number()])),
});
const answerSchema = z.object({
  v: z.literal(VERSION),
  answer: z.string(),
  told: z.array(z.string()),
  missed: z.array(z.string()),
});

/** A reason as it is sent: at most 500 characters, and never half of one. */
export function sendableReason(reason: string): string {
  return reason.slice(0, MOST_REASON).toWellFormed();
}

/** The payloads of a request, each small enough for a NOTIFY. */
export function encodeRequest({ request, reason, claims }: CancelRequest): string[] {
  const tuples = claims.map(({ id, pool, lockedAtMs }) => [id, pool, lockedAtMs] as const);
  return inChunks(tuples, (part) => ({
    v: VERSION,
    cancel: request,
    reason: sendableReason(reason),
    claims: part,
  }));
}

/** The payloads of an answer, each small enough for a NOTIFY. */
export function encodeAnswer({ request, told, missed }: CancelAnswer): string[] {
  const all = [
    ...told.map((id) => ({ id, told: true })),
    ...missed.map((id) => ({ id, told: false })),
  ];
  return inChunks(all, (part) => ({
    v: VERSION,
    answer: request,
    told: part.filter((one) => one.told).map(({ id }) => id),
    missed: part.filter((one) => !one.told).map(({ id }) => id),
  }));
}

/** Halves a list until what is made of each part fits. */
function inChunks<T>(items: readonly T[], make: (part: readonly T[]) => object): string[] {
  if (items.length === 0) return [];
  const text = JSON.stringify(make(items));
  if (items.length === 1 || Buffer.byteLength(text) <= MOST_BYTES) return [text];
  const middle = Math.ceil(items.length / 2);
  return [...inChunks(items.slice(0, middle), make), ...inChunks(items.slice(middle), make)];
}

/**
 * Reads a payload of the channel, which anybody who is connected to the database may write to.
 *
 * @returns undefined for what is no message of this version
 */
export function decodeMessage(
  payload: string | undefined,
): CancelRequest | CancelAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload ?? "");
  } catch {
    return undefined;
  }
  const request = requestSchema.safeParse(value).data;
  if (request !== undefined) {
    const claims = request.claims.map(([id, pool, lockedAtMs]) => ({ id, pool, lockedAtMs }));
    return { kind: "cancel", request: request.cancel, reason: request.reason, claims };
  }
  const answer = answerSchema.safeParse(value).data;
  if (answer === undefined) return undefined;
  return { kind: "answer", request: answer.answer, told: answer.told, missed: answer.missed };
}
