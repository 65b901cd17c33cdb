import { mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { overlayFor } from "../../src/overlay/apply.ts";
import { loadOverlay } from "../../src/overlay/load.ts";
import type { Overlay } from "../../src/overlay/overlay.ts";
import { type WatchOverlayOptions, watchOverlay } from "../../src/overlay/watch.ts";
import { testFolder } from "./overlay-file.ts";

const text = (limit: number) => `plugins:\n  demo:\n    limit: ${limit}\n`;
const limitIn = (overlay: Overlay) =>
  (overlayFor(overlay, "demo", {}).options as { limit: number }).limit;

/** Notifications only: polling must not be what makes these pass. */
const NOTIFIED: WatchOverlayOptions = { debounce: "5ms", poll: "1h" };
const POLLED: WatchOverlayOptions = { debounce: "5ms", poll: "10ms", notifications: false };

interface Watched {
  /** The next overlay or error, also one that came before it was asked for. */
  readonly next: () => Promise<Overlay | { readonly error: unknown }>;
  readonly stop: () => void;
  readonly count: () => number;
}

async function watchFile(file: string, options: WatchOverlayOptions, env = {}): Promise<Watched> {
  const overlay = await loadOverlay({ file, env });
  const events: (Overlay | { readonly error: unknown })[] = [];
  let total = 0;
  let wake = () => {};
  const push = (event: Overlay | { readonly error: unknown }) => {
    total += 1;
    events.push(event);
    wake();
  };
  const stop = watchOverlay(overlay, push, { ...options, onError: (error) => push({ error }) });
  onTestFinished(stop);
  const next = async () => {
    for (;;) {
      const event = events.shift();
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { next, stop, count: () => total };
}

async function nextLimit(watched: Watched): Promise<number> {
  const event = await watched.next();
  if ("error" in event) throw event.error;
  return limitIn(event);
}

describe.each<[string, WatchOverlayOptions]>([
  ["with notifications", NOTIFIED],
  ["by polling", POLLED],
])("watchOverlay %s", (_, options) => {
  it("hands over content that was written in place", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const watched = await watchFile(file, options);
    await writeFile(file, text(2));
    expect(await nextLimit(watched)).toBe(2);
  });

  it("hands over content of a file that was renamed into place, again and again", async () => {
    const folder = await testFolder();
    const file = join(folder, "worker.yaml");
    await writeFile(file, text(1));
    const watched = await watchFile(file, options);
    for (const limit of [2, 3, 4]) {
      await writeFile(join(folder, "worker.yaml.tmp"), text(limit));
      await rename(join(folder, "worker.yaml.tmp"), file);
      expect(await nextLimit(watched)).toBe(limit);
    }
  });

  it("follows a ConfigMap's swap of symbolic links", async () => {
    const folder = await testFolder();
    for (const limit of [1, 2]) {
      await mkdir(join(folder, `..version${limit}`));
      await writeFile(join(folder, `..version${limit}`, "worker.yaml"), text(limit));
    }
    await symlink("..version1", join(folder, "..data"));
    await symlink(join("..data", "worker.yaml"), join(folder, "worker.yaml"));
    const watched = await watchFile(join(folder, "worker.yaml"), options);
    await symlink("..version2", join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    expect(await nextLimit(watched)).toBe(2);
  });

  it("reports content that cannot be used once, and goes on with the next", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const watched = await watchFile(file, options);
    await writeFile(`${file}.tmp`, "plugins: [");
    await rename(`${file}.tmp`, file);
    expect(await watched.next()).toMatchObject({ error: { code: "INVALID_OVERLAY" } });
    await writeFile(`${file}.tmp`, "plugin: {}");
    await rename(`${file}.tmp`, file);
    expect(await watched.next()).toMatchObject({
      error: { message: expect.stringContaining('did you mean "plugins"?') },
    });
    await writeFile(`${file}.tmp`, text(3));
    await rename(`${file}.tmp`, file);
    expect(await nextLimit(watched)).toBe(3);
  });

  it("reports a file that is gone, and takes it up when it is back", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const watched = await watchFile(file, options);
    await rm(file);
    expect(await watched.next()).toMatchObject({ error: { code: "ENOENT" } });
    await writeFile(`${file}.tmp`, text(2));
    await rename(`${file}.tmp`, file);
    expect(await nextLimit(watched)).toBe(2);
  });
});

describe("watchOverlay", () => {
  it("keeps the environment's variables over the new content", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const env = { OPPULENCE_WORKER__PLUGINS__DEMO__LIMIT: "9" };
    const watched = await watchFile(file, NOTIFIED, env);
    await writeFile(file, `${text(2)}    other: true\n`);
    const next = await watched.next();
    if ("error" in next) throw next.error;
    expect(overlayFor(next, "demo", {}).options).toEqual({ limit: 9, other: true });
  });

  it("takes a file that was only touched for unchanged", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const watched = await watchFile(file, NOTIFIED);
    await utimes(file, new Date(), new Date());
    await writeFile(file, text(1));
    await writeFile(`${file}.tmp`, text(2));
    await rename(`${file}.tmp`, file);
    expect(await nextLimit(watched)).toBe(2);
    expect(watched.count()).toBe(1);
  });

  it("notices a change between loading and watching", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const overlay = await loadOverlay({ file, env: {} });
    await writeFile(file, text(2));
    const next = await new Promise<Overlay>((resolve) => {
      onTestFinished(watchOverlay(overlay, resolve, NOTIFIED));
    });
    expect(limitIn(next)).toBe(2);
  });

  it("hands what the callback throws to onError", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const overlay = await loadOverlay({ file, env: {} });
    const thrown = new Promise<unknown>((resolve) => {
      const onChange = () => {
        throw new Error("cannot be applied");
      };
      onTestFinished(watchOverlay(overlay, onChange, { ...NOTIFIED, onError: resolve }));
    });
    await writeFile(file, text(2));
    expect(await thrown).toMatchObject({ message: "cannot be applied" });
  });

  it("has nothing to do without a file", async () => {
    const overlay = await loadOverlay({ env: {} });
    const stop = watchOverlay(overlay, () => {});
    stop();
    stop();
  });

  it("calls nobody once it is stopped", async () => {
    const file = join(await testFolder(), "worker.yaml");
    await writeFile(file, text(1));
    const watched = await watchFile(file, POLLED);
    const other = await watchFile(file, POLLED);
    watched.stop();
    await writeFile(`${file}.tmp`, text(2));
    await rename(`${file}.tmp`, file);
    expect(await nextLimit(other)).toBe(2);
    await writeFile(`${file}.tmp`, text(3));
    await rename(`${file}.tmp`, file);
    expect(await nextLimit(other)).toBe(3);
    expect(watched.count()).toBe(0);
  });
});
