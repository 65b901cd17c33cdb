import { readFileSync } from "node:fs";

/** This package's version. The file lies one folder above `src` and above `dist`. */
export function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
