/**
 * The Lua that every script begins with: time, names of keys, buckets as they are loaded and saved.
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
    if b.kind == 'places' then b.count = redis.call('ZCARD', named('held', id)) end
  end
  open[id] = b
  return b
end

-- A rate that is another one now. Units that it has yet to earn stay units, but no more than the new burst; units of
-- leases count from when the last lease ends. Processes that define a limiter differently, and so change it to and fro,
-- lose nothing of it by that. What was charged before is beyond a refund.
local function redefine(b, tau, burst)
  local base = math.max(now, b.leased)
  if b.tat > base then
    local isBack = b.tauBefore == tau and b.burstBefore == burst and b.defined > now - 5000000
    local units = (b.tat - base) / b.tau
    if not isBack then units = math.min(units, burst) end
    b.spent = b.spent + math.max(0, b.tat - b.last)
    b.tat = base + math.ceil(16 * tau * units) / 16
  end
  b.defined, b.tauBefore, b.burstBefore = now, b.tau, b.burst
end

-- A bucket by what the caller knows of it: { limiter, key, kind, milliseconds a unit or capacity, burst }.
local function bucket(spec)
  local b = load(spec[1] .. '\0' .. spec[2])
  if b.kind ~= spec[3] then
    b.kind = spec[3]
    if b.isThere then b.count = redis.call('ZCARD', named('held', b.id)) end
  end
  if b.kind == 'rate' then
    local tau, burst = unitOf(spec[4]), spec[5]
    if b.tau > 0 and (b.tau ~= tau or b.burst ~= burst) then redefine(b, tau, burst) end
    b.tau = tau
    b.burst = burst
    b.span = b.tau * b.burst
  else
    b.capacity = spec[4]
  end
  b.isUsed = true
  return b
end

local function charge(b, units, at)
  b.tat = math.max(b.tat, at) + units * b.tau
  b.spent = b.spent + units * b.tau
  b.last = math.max(b.last, at)
end

-- From when on a bucket says no more than one that is not there.
local function idleAt(b)
  if b.kind == 'rate' then return math.max(b.tat, b.leased + REFUND_FOR, now) end
  return now
end

local function save(b)
  if not b.isUsed or not b.kind then return end
  local name = named('bucket', b.id)
  local limiter, key = split(b.id)
  if b.kind == 'rate' then
    redis.call('HSET', name, 'kind', 'rate', 'tat', text(b.tat), 'spent', text(b.spent), 'last', text(b.last),
      'leased', text(b.leased), 'seq', text(b.seq), 'units', text(b.units), 'tau', text(b.tau), 'burst', text(b.burst),
      'defined', text(b.defined), 'tauBefore', text(b.tauBefore), 'burstBefore', text(b.burstBefore))
  else
    redis.call('HSET', name, 'kind', 'places', 'capacity', text(b.capacity), 'seq', text(b.seq), 'units', text(b.units))
    local first = redis.call('ZRANGE', named('held', b.id), 0, 0, 'WITHSCORES')
    if first[2] and tonumber(first[2]) < NEVER then
      redis.call('ZADD', root .. ':expiring', first[2], b.id)
    else
      redis.call('ZREM', root .. ':expiring', b.id)
    end
  end
  -- One who was promised a place, and does not come, is looked after like one in line.
  if b.waiting > 0 or (b.kind == 'places' and b.count > 0 and redis.call('ZCARD', named('promised', b.id)) > 0) then
    redis.call('ZADD', root .. ':waiting', 'NX', text(now), b.id)
  elseif b.isThere then
    redis.call('ZREM', root .. ':waiting', b.id)
  end
  local idle = idleAt(b)
  redis.call('ZADD', named('keys', limiter), text(idle), key)
  if not b.isThere then redis.call('SADD', root .. ':limiters', limiter) end
  if b.waiting == 0 and b.count == 0 then
    redis.call('PEXPIRE', name, string.format('%.0f', math.min(1e14, (idle - now) / 1000 + 60000)))
  elseif b.isThere then
    redis.call('PERSIST', name)
  end
end

-- Saves all, tells callers outside jobs by the channel, and answers with the turns: id, milliseconds, and so on.
local function finish()
  for _, b in pairs(open) do save(b) end
  local told, callers = {}, {}
  for _, id in ipairs(order) do
    if turns[id] then
      told[#told + 1] = id
      told[#told + 1] = inMs(turns[id])
      if not isJob(id) then callers[#callers + 1] = id end
    end
  end
  if #callers > 0 then redis.call('PUBLISH', root .. ':events', cjson.encode(callers)) end
  return told
end
`;
