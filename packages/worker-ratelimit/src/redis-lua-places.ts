/**
 * The Lua of places. A row without a holder is a place that somebody in line was promised (its entry is still in
 * `wait`, its id in `promised`), or that is kept for one who waits for something else. Rows that expired are removed
 * before anything is counted: a row that is there counts.
 */
export const PLACES_LUA = `
local function holderOf(b, id) return redis.call('HGET', named('holds', b.id), id) end

local function take(b, id, holder, expires)
  if redis.call('ZADD', named('held', b.id), text(expires), id) == 1 then b.count = b.count + 1 end
  redis.call('HSET', named('holds', b.id), id, holder)
  redis.call('HSET', named('at', id), 'p' .. b.id, '')
  b.isUsed = true
end

-- The promise was taken: what is left of the line is the place.
local function keep(b, id)
  if redis.call('ZREM', named('promised', b.id), id) == 1 then redis.call('HDEL', named('wait', b.id), id) end
  turns[id] = nil
end

local function drop(b, id)
  if redis.call('ZREM', named('held', b.id), id) == 1 then b.count = b.count - 1 end
  redis.call('HDEL', named('holds', b.id), id)
  redis.call('HDEL', named('at', id), 'p' .. b.id)
  keep(b, id)
  b.isUsed = true
end

-- Promises beyond the capacity go back to the line, the last one first.
local function withdraw(b)
  for _ = 1, MOST do
    if b.count <= b.capacity then return end
    local id = redis.call('ZREVRANGE', named('promised', b.id), 0, 0)[1]
    if not id then return end
    local e = entry(b, id)
    redis.call('ZREM', named('promised', b.id), id)
    redis.call('ZREM', named('held', b.id), id)
    redis.call('HDEL', named('holds', b.id), id)
    redis.call('HDEL', named('at', id), 'p' .. b.id)
    redis.call('HSET', named('at', id), 'l' .. b.id, '')
    redis.call('ZADD', named('line', b.id), text(e.seq), id)
    b.count = b.count - 1
    b.waiting = b.waiting + 1
    b.units = b.units + e.units
    turns[id] = nil
  end
end

-- Free places go to the first in line.
local function handOver(b)
  for _ = 1, MOST do
    if b.waiting == 0 or b.count >= b.capacity then return end
    local popped = redis.call('ZPOPMIN', named('line', b.id))
    local id = popped[1]
    local e = entry(b, id)
    b.waiting = b.waiting - 1
    b.units = math.max(0, b.units - e.units)
    redis.call('HDEL', named('at', id), 'l' .. b.id)
    take(b, id, '', NEVER)
    e.told = now
    write(b, id, e)
    redis.call('ZADD', named('promised', b.id), text(e.seq), id)
    tell(id, now)
  end
end

local function settle(b)
  if b.kind ~= 'places' then return end
  withdraw(b)
  handOver(b)
end

-- Places of those who did not renew them. Their holder still has the id: its next renewal says what was lost.
local function purge(b)
  if b.isPurged then return end
  b.isPurged = true
  local gone = redis.call('ZRANGEBYSCORE', named('held', b.id), '-inf', text(now), 'LIMIT', 0, MOST)
  for _, id in ipairs(gone) do drop(b, id) end
  settle(b)
end

-- Where an id is: buckets that it holds a place of, or waits for.
local function each(id, kind, what)
  for _, field in ipairs(redis.call('HKEYS', named('at', id))) do
    if string.sub(field, 1, 1) == kind then what(load(string.sub(field, 2))) end
  end
end

local function leaveLines(id)
  each(id, 'l', function(b)
    local e = entry(b, id)
    if e then removeFromLine(b, id, e) else redis.call('HDEL', named('at', id), 'l' .. b.id) end
  end)
end

-- Gives back what one has without running.
local function giveUp(id)
  each(id, 'p', function(b)
    if holderOf(b, id) == '' then
      drop(b, id)
      settle(b)
    end
  end)
end
`;
