/**
 * Whether something that was thrown carries this code.
 *
 * Guards test the code, never `instanceof`: two copies of a package in one program must recognise
 * each other's errors.
 */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && (error as { code?: unknown }).code === code;
}
