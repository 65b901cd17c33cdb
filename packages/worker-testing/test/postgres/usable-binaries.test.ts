import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { usableBinaries } from "../../src/postgres/usable-binaries.ts";

describe("usableBinaries", () => {
  const stranger = { uid: 54_321, gid: 54_321 };
  let folder: string;
  let native: string;

  const write = (path: string, text = "") => {
    mkdirSync(join(native, path, ".."), { recursive: true });
    writeFileSync(join(native, path), text);
  };
  const copyTo = () => {
    const made = join(folder, "copy");
    mkdirSync(made);
    return made;
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(await realpath(tmpdir()), "usable-binaries-"));
    chmodSync(folder, 0o755);
    native = join(folder, "checkout/native");
    write("bin/initdb");
    write("bin/postgres");
    write("lib/libz.so.1.2");
    write("lib/libz.a");
    const links = [{ source: "native/lib/libz.so.1.2", target: "native/lib/libz.so" }];
    write("pg-symlinks.json", JSON.stringify(links));
    return () => rmSync(folder, { recursive: true });
  });

  it("runs them where they are, with the links and rights that the install step may not have set", () => {
    expect(usableBinaries(native, undefined, copyTo)).toBe(native);
    expect(existsSync(join(native, "lib/libz.so"))).toBe(true);
    expect(statSync(join(native, "bin/postgres")).mode & 0o555).toBe(0o555);
  });

  it("runs them where they are if the server's user may go there", () => {
    expect(usableBinaries(native, stranger, copyTo)).toBe(native);
  });

  it("copies them out of a checkout that is closed to the server's user", () => {
    chmodSync(join(folder, "checkout"), 0o700);
    const usable = usableBinaries(native, stranger, copyTo);
    expect(usable).toBe(join(folder, "copy/native"));
    expect(existsSync(join(usable, "lib/libz.so"))).toBe(true);
    expect(existsSync(join(usable, "lib/libz.a"))).toBe(false);
  });
});
