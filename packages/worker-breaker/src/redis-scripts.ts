import { createHash } from "node:crypto";

/** A Lua script and the name that Redis knows it by once it has run. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

const script = (text: string): Script => ({
  text,
  sha: createHash("sha1").update(text).digest("hex"),
});

const TIME = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/** Keys: circuits. Answers with the time in milliseconds, then each record; an empty text for one that is not there. */
export const READ = script(`${TIME}
local answer = { tostring(now) }
for i, key in ipairs(KEYS) do
  answer[i + 1] = redis.call('HGET', key, 'record') or ''
end
return answer`);

/**
 * Compares and changes. Keys: the circuit, its history, everybody's history. Arguments: the version that was seen
 * (empty for none), the time that was reckoned with and how far it may be off, the new version and record (empty to
 * leave it), the channel (empty to tell nobody) and the message, how many transitions are kept and since when, then
 * the transitions, each as its time and text.
 *
 * Answers with 1 and the time; or with 0, the time, and the record as it is.
 */
export const CHANGE = script(`${TIME}
local seen = redis.call('HGET', KEYS[1], 'version') or ''
if seen ~= ARGV[1] or math.abs(now - tonumber(ARGV[2])) > tonumber(ARGV[3]) then
  return { '0', tostring(now), redis.call('HGET', KEYS[1], 'record') or '' }
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'version', ARGV[4], 'record', ARGV[5])
end
for i = 10, #ARGV, 2 do
  for k = 2, 3 do
    redis.call('LPUSH', KEYS[k], ARGV[i] .. ' ' .. ARGV[i + 1])
    redis.call('LTRIM', KEYS[k], 0, tonumber(ARGV[8]) - 1)
    for _ = 1, 100 do
      local last = redis.call('LINDEX', KEYS[k], -1)
      if not last or tonumber(string.match(last, '^%d+')) >= now - tonumber(ARGV[9]) then break end
      redis.call('RPOP', KEYS[k])
    end
  end
end
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
return { '1', tostring(now) }`);

/** Keys: the lead. Arguments: who, for how many milliseconds. Answers with 1 or 0, and for how much longer. */
export const LEAD = script(`local leader = redis.call('GET', KEYS[1])
if not leader or leader == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return { '1', ARGV[2] }
end
return { '0', tostring(redis.call('PTTL', KEYS[1])) }`);

/** Keys: the lead. Arguments: who. */
export const RESIGN =
  script(`if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return { '1' }`);
