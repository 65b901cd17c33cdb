/** The Lua of lines: who waits, for how many units, since when, and what turn it was told. */
export const LINE_LUA = `
-- So many before one in line are looked at.
local NEAR = 20

local function unpacked(raw)
  local units, turn, since, told, seq = string.match(raw, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return { units = tonumber(units), turn = tonumber(turn), since = tonumber(since), told = tonumber(told),
    seq = tonumber(seq) }
end

local function entry(b, id)
  local raw = redis.call('HGET', named('wait', b.id), id)
  return raw and unpacked(raw) or nil
end

-- Whole numbers, as far as 64 bits hold them: a turn is a hint, and this is the cheapest to write.
local function whole(number) return math.min(number, 9e15) end
local function packed(e)
  return string.format('%d %d %d %d %d', e.units, whole(e.turn), e.since, whole(e.told), e.seq)
end
local function write(b, id, e) redis.call('HSET', named('wait', b.id), id, packed(e)) end

-- Appends some, each an id, units and a turn.
local function appendAll(b, rows)
  local scores, entries = {}, {}
  for i, row in ipairs(rows) do
    b.seq = b.seq + 1
    b.units = b.units + row[2]
    scores[2 * i - 1], scores[2 * i] = text(b.seq), row[1]
    entries[2 * i - 1] = row[1]
    entries[2 * i] = packed({ units = row[2], turn = row[3], since = now, told = now, seq = b.seq })
    redis.call('HSET', named('at', row[1]), 'l' .. b.id, '')
  end
  redis.call('HSET', named('wait', b.id), unpack(entries))
  redis.call('ZADD', named('line', b.id), unpack(scores))
  b.waiting = b.waiting + #rows
  b.isUsed = true
  b.sums = nil
end

local function append(b, id, units, turn) appendAll(b, { { id, units, turn } }) end

local function removeFromLine(b, id, e)
  b.units = math.max(0, b.units - e.units)
  b.waiting = b.waiting - 1
  b.isUsed = true
  b.sums = nil
  redis.call('ZREM', named('line', b.id), id)
  redis.call('HDEL', named('wait', b.id), id)
  redis.call('HDEL', named('at', id), 'l' .. b.id)
end

-- A page of those in line, in order, with what they wait for.
local function page(b, from, count)
  local ids = redis.call('ZRANGE', named('line', b.id), from, from + count - 1)
  if #ids == 0 then return ids, {} end
  return ids, redis.call('HMGET', named('wait', b.id), unpack(ids))
end

local function turnAfter(b, units)
  return math.max(now, math.max(b.tat, now) + units * b.tau - b.span)
end

-- One who let its turn pass is not waited for.
local function isLate(b, e) return e.turn <= now - math.max(250000, 2 * b.tau) end

-- Units of those before one in line; a walk is remembered until somebody joins or leaves.
local function unitsBefore(b, id)
  local rank = redis.call('ZRANK', named('line', b.id), id)
  if not rank or rank >= MOST then return nil end
  local sums = b.sums or { at = 0, units = 0, before = {} }
  b.sums = sums
  while sums.at <= rank do
    local ids, raws = page(b, sums.at, PAGE)
    for i, other in ipairs(ids) do
      sums.before[other] = sums.units
      local e = unpacked(raws[i])
      if not isLate(b, e) then sums.units = sums.units + e.units end
    end
    sums.at = sums.at + PAGE
  end
  return sums.before[id]
end

-- Of those just before one in line, whether one's turn has only come: it is on its way, and not overtaken.
local function isOneComing(b, id, units)
  local rank = redis.call('ZRANK', named('line', b.id), id)
  if not rank or rank == 0 then return false end
  local from = math.max(0, rank - NEAR)
  local _, raws = page(b, from, rank - from)
  for _, raw in ipairs(raws) do
    if raw and unpacked(raw).turn > now - b.tau * units then return true end
  end
  return false
end

-- The turn of one in line by what the bucket has left; far behind, the one it was told, unless it cannot be.
local function turnOf(b, id, e, units)
  local before = unitsBefore(b, id)
  if before then return turnAfter(b, before + units) end
  return math.max(e.turn, turnAfter(b, units))
end
`;
