/** The Lua that looks after buckets. */

/** Argument: `{ spec }`. Answers with the turns that moved, or that nobody took. */
export const TEND_LUA = String.raw`
local AHEAD, MOVED, MOST_AHEAD = 6000000, 20000, 10000

-- One who waits for something else as well does not come before that.
local function waitsElsewhere(b, id)
  for _, field in ipairs(redis.call('HKEYS', named('at', id))) do
    local other = string.sub(field, 2)
    if string.sub(field, 1, 1) == 'l' and other ~= b.id then
      local o = load(other)
      local e = entry(o, id)
      if e and (o.kind == 'places' or e.turn > now) then return true end
    end
  end
  return false
end

-- One in line that would have its turn after so many units. Answers whether those behind it are to be looked at.
local function tendEntry(b, id, e, units)
  local new = turnAfter(b, units)
  if new > now + AHEAD and e.turn > now + AHEAD then return false end
  local isMoved = math.abs(new - math.max(e.turn, now)) > MOVED
  local isOverdue = e.turn <= now - OVERDUE and e.told <= now - OVERDUE
  if isMoved or (isOverdue and not waitsElsewhere(b, id)) then
    -- One that is overdue stays so: it is told again as long as it is there.
    if isMoved then e.turn = new end
    e.told = now
    write(b, id, e)
    tell(id, new)
  end
  return true
end

local function tendLine(b)
  local units = 0
  for from = 0, MOST_AHEAD - 1, PAGE do
    local ids, raws = page(b, from, PAGE)
    for i, id in ipairs(ids) do
      local e = unpacked(raws[i])
      local isOut = isLate(b, e)
      if not isOut then units = units + e.units end
      if not tendEntry(b, id, e, isOut and units + e.units or units) then return end
    end
    if #ids < PAGE then return end
  end
end

-- Promises that nobody took: told again, as the one who was told may be gone before it told the job. Whose job is gone
-- is made to leave by those who can tell.
local function tendPromises(b)
  for _, id in ipairs(redis.call('ZRANGE', named('promised', b.id), 0, MOST - 1)) do
    local e = entry(b, id)
    if e and e.told <= now - OVERDUE then
      e.told = now
      write(b, id, e)
      tell(id, now)
    end
  end
end

local spec = cjson.decode(ARGV[1]).spec
if not load(spec[1] .. '\0' .. spec[2]).isThere then return {} end
local b = bucket(spec)
if b.count > 0 or b.kind == 'places' then purge(b) end
if b.kind == 'places' then
  tendPromises(b)
elseif b.waiting > 0 then
  tendLine(b)
end
return finish()
`;

/**
 * Argument: `{ holder, leaseMs, ids, counts }`: those who run, and how many places each has. Answers with the ids that
 * have fewer.
 */
export const RENEW_LUA = `
local input = cjson.decode(ARGV[1])
local expires = now + input.leaseMs * 1000
local lost = {}
for i, id in ipairs(input.ids) do
  local count = 0
  each(id, 'p', function(b)
    if holderOf(b, id) == input.holder then
      -- One that has expired and is still there was given to nobody.
      redis.call('ZADD', named('held', b.id), text(expires), id)
      b.isUsed = true
      count = count + 1
    end
  end)
  if count < input.counts[i] then lost[#lost + 1] = id end
end
finish()
return lost
`;

/**
 * Argument: `{ limiters, limit }`. Answers with pairs of a limiter and a key: those with places that expired or that
 * nobody took, then those with a line; looked at longest ago first.
 */
export const BUSY_LUA = String.raw`
local input = cjson.decode(ARGV[1])
local found, isFound = {}, {}

-- The first of all limiters, by score. Answers with those that were not found before.
local function addFirst(kind, highest)
  local all, added = {}, {}
  for _, limiter in ipairs(input.limiters) do
    local first = redis.call('ZRANGEBYSCORE', named(kind, limiter), '-inf', highest, 'WITHSCORES', 'LIMIT', 0, input.limit)
    for i = 1, #first, 2 do all[#all + 1] = { limiter, first[i], tonumber(first[i + 1]) } end
  end
  table.sort(all, function(a, b) return a[3] < b[3] end)
  for _, one in ipairs(all) do
    local name = one[1] .. '\0' .. one[2]
    if #found >= input.limit then break end
    if not isFound[name] then
      isFound[name] = true
      found[#found + 1] = { one[1], one[2] }
      added[#added + 1] = one
    end
  end
  return added
end

addFirst('due', text(now))
for _, one in ipairs(addFirst('waiting', '+inf')) do
  redis.call('ZADD', named('waiting', one[1]), text(now), one[2])
end
return found
`;

/** Argument: `{ limiter, cursor }`. Answers with where to go on and how many were reset. */
export const RESET_LUA = String.raw`
local input = cjson.decode(ARGV[1])
local keys, cursor = { input.key }, '0'
if plain(input.key) == nil then
  local page = redis.call('ZSCAN', named('keys', input.limiter), input.cursor, 'COUNT', MOST)
  cursor, keys = page[1], {}
  for i = 1, #page[2], 2 do keys[#keys + 1] = page[2][i] end
end
local count = 0
for _, key in ipairs(keys) do
  local b = load(input.limiter .. '\0' .. key)
  if b.kind == 'rate' then
    b.isUsed = true
    count = count + 1
    b.tat = now
  end
end
finish()
return { cursor, text(count) }
`;

/** Argument: `{ limit }`. Answers with how many buckets are gone. */
export const SWEEP_LUA = String.raw`
local left, count = cjson.decode(ARGV[1]).limit, 0
for _, limiter in ipairs(redis.call('SMEMBERS', root .. ':limiters')) do
  if left <= 0 then break end
  local all = named('keys', limiter)
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', all, '-inf', text(now), 'LIMIT', 0, left)) do
    left = left - 1
    local b = load(limiter .. '\0' .. key)
    -- Places of the dead, of a limiter that nobody looks after any more.
    if b.waiting == 0 and b.count > 0 then purge(b) end
    if b.waiting > 0 or b.count > 0 then
      -- Looked at again when others had their turn.
      redis.call('ZADD', all, text(now + 60000000), key)
    else
      redis.call('DEL', named('bucket', b.id))
      redis.call('ZREM', all, key)
      redis.call('ZREM', named('waiting', limiter), key)
      redis.call('ZREM', named('due', limiter), key)
      count = count + 1
    end
  end
  if redis.call('ZCARD', all) == 0 then redis.call('SREM', root .. ':limiters', limiter) end
end
return count
`;
