import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { loadOverlay } from "../../src/overlay/load.ts";
import type { Overlay } from "../../src/overlay/overlay.ts";

/** A folder that goes with the test. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "overlay-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Loads an overlay of a file named `worker.yaml` with this text, and of these variables. */
export async function overlayOf(text: string, env: NodeJS.ProcessEnv = {}): Promise<Overlay> {
  const cwd = await testFolder();
  await writeFile(join(cwd, "worker.yaml"), text);
  return loadOverlay({ file: "worker.yaml", cwd, env });
}
