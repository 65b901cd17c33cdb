import { vi } from "vitest";

/** Ends a wait for what never comes. What comes is not waited for longer: the second that is usual is short on a busy machine. */
const PATIENCE_MS = 10_000;

const { waitFor, waitUntil } = vi;
const patient = (options: number | { timeout?: number; interval?: number } = {}) =>
  typeof options === "number" ? options : { timeout: PATIENCE_MS, ...options };

vi.waitFor = (callback, options) => waitFor(callback, patient(options));
vi.waitUntil = (callback, options) => waitUntil(callback, patient(options));
