import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { definePlugin } from "@oppulence/worker-core";
import type { Faulty } from "./faulty.ts";

let version = 0;

/** Its migration is another one every time: edited after it ran. */
export const plugin: Faulty["plugin"] = () => {
  const folder = mkdtempSync(join(tmpdir(), "edited-migration-"));
  version += 1;
  const sql = `create table :SCHEMA.edited_things (id int); -- version ${version}\n`;
  writeFileSync(join(folder, "000001_create_things.sql"), sql);
  return definePlugin({
    name: "edited",
    producers: "not-covered",
    migrations: { directory: pathToFileURL(`${folder}/`) },
    setup: () => ({}),
  });
};

export const only = /^migrations/;
export const expected: Faulty["expected"] = [
  {
    check: /^migrations: apply to an empty database, and not again$/,
    message:
      /^cannot be applied again: a migration was edited after running: 000001_create_things\.sql of edited/,
  },
  {
    check: /^migrations: may be applied by four processes at once$/,
    message: /^cannot be applied while others do the same: a migration was edited after running/,
  },
];
