/**
 * The Lua that every script begins with: time, names of keys, buckets as they are loaded.
 *
 * Time is microseconds since 2026 by Redis' clock, so that sixteenths of one are exact in a double. A unit's time is
 * rounded up to a sixteenth: sums are exact, and a rate is never above what was asked for.
 *
 * A bucket is loaded once a script and saved at its end, so that a batch on one bucket costs Redis little.
 */
export const BUCKET_LUA = String.raw`
local root = KEYS[1]
local time = redis.call('TIME')
local now = (time[1] - 1767225600) * 1000000 + time[2]
-- A score that is later than any time.
local NEVER = 1e300
-- What a script does at most with one bucket; the rest is for the next one.
local MOST = 1000
local PAGE = 100
-- Nobody gives units of a lease back later than this after its end.
local REFUND_FOR = 60000000
-- A turn that nobody took is told again after this.
local OVERDUE = 5000000

local function text(number) return string.format('%.17g', number) end
local function named(kind, id) return root .. ':' .. kind .. ':' .. id end
local function inMs(at) return string.format('%.3f', math.max(0, at - now) / 1000) end
local function plain(value) if value == cjson.null then return nil end return value end
-- Milliseconds a unit, as microseconds; less by what a double is off, so that a whole number of sixteenths stays one.
local function unitOf(ms) return math.max(1, math.ceil(ms * 16000 * (1 - 1e-12))) / 16 end
local function split(id)
  local at = string.find(id, '\0', 1, true)
  return string.sub(id, 1, at - 1), string.sub(id, at + 1)
end

-- Turns to be told, the last one of each id.
local turns, order, isListed = {}, {}, {}
local function tell(id, at)
  if not isListed[id] then order[#order + 1] = id end
  isListed[id] = true
  turns[id] = at
end
local function isJob(id) return string.find(id, '^%d+$') ~= nil end

local open = {}
local function load(id)
  local b = open[id]
  if b then return b end
  local v = redis.call('HMGET', named('bucket', id), 'kind', 'tat', 'spent', 'last', 'leased', 'seq', 'units',
    'tau', 'burst', 'capacity', 'defined', 'tauBefore', 'burstBefore')
  b = {
    id = id, isThere = v[1] ~= false, kind = v[1],
    tat = tonumber(v[2]) or now, spent = tonumber(v[3]) or now, last = tonumber(v[4]) or now,
    leased = tonumber(v[5]) or (now - REFUND_FOR), seq = tonumber(v[6]) or 0, units = tonumber(v[7]) or 0,
    tau = tonumber(v[8]) or 0, burst = tonumber(v[9]) or 0, capacity = tonumber(v[10]) or 0,
    defined = tonumber(v[11]) or 0, tauBefore = tonumber(v[12]) or 0, burstBefore = tonumber(v[13]) or 0,
    waiting = 0, count = 0,
  }
  b.span = b.tau * b.burst
  if b.isThere then
    b.waiting = redis.call('ZCARD', named('line', id))
    -- Of a rate, too: one that was places has those that are not given back yet.
    b.count = redis.call('ZCARD', named('held', id))
    b.hadPlaces = b.count > 0
  end
  open[id] = b
  return b
end

local function charge(b, units, at)
  b.tat = math.max(b.tat, at) + units * b.tau
  b.spent = b.spent + units * b.tau
  b.last = math.max(b.last, at)
end
`;
