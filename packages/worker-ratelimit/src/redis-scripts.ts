import { createHash } from "node:crypto";
import { ADMIT_LUA } from "./redis-lua-admit.ts";
import { BUCKET_LUA } from "./redis-lua-bucket.ts";
import { DEFINE_LUA } from "./redis-lua-define.ts";
import { LINE_LUA } from "./redis-lua-line.ts";
import { LEAVE_LUA, LINE_UP_LUA, REFUND_LUA, RELEASE_LUA } from "./redis-lua-line-up.ts";
import { PLACES_LUA } from "./redis-lua-places.ts";
import {
  IN_LINE_LUA,
  LEAD_LUA,
  OVERRIDES_LUA,
  SET_OVERRIDE_LUA,
  STATES_LUA,
} from "./redis-lua-read.ts";
import { SAVE_LUA } from "./redis-lua-save.ts";
import { BUSY_LUA, RENEW_LUA, RESET_LUA, SWEEP_LUA, TEND_LUA } from "./redis-lua-tend.ts";

/** A Lua script and the name that Redis knows it by once it has run. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** Every script has one key, the root that all others begin with, and at most one argument, a JSON object. */
function script(body: string): Script {
  const text = [BUCKET_LUA, LINE_LUA, PLACES_LUA, DEFINE_LUA, SAVE_LUA, body].join("");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** One script an operation of the store. */
export const SCRIPTS = {
  admit: script(ADMIT_LUA),
  lineUp: script(LINE_UP_LUA),
  release: script(RELEASE_LUA),
  leave: script(LEAVE_LUA),
  refund: script(REFUND_LUA),
  tend: script(TEND_LUA),
  renew: script(RENEW_LUA),
  busy: script(BUSY_LUA),
  reset: script(RESET_LUA),
  sweep: script(SWEEP_LUA),
  states: script(STATES_LUA),
  inLine: script(IN_LINE_LUA),
  overrides: script(OVERRIDES_LUA),
  setOverride: script(SET_OVERRIDE_LUA),
  lead: script(LEAD_LUA),
} as const;
