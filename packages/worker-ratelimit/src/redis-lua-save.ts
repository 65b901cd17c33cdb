/** The Lua that saves what a script has changed, and answers with who is to be told. */
export const SAVE_LUA = `
-- From when on a bucket says no more than one that is not there.
local function idleAt(b)
  if b.kind == 'rate' then return math.max(b.tat, b.leased + REFUND_FOR, now) end
  return now
end

-- When places are to be looked after though nobody waits: one expires, or is promised to one who does not come.
local function dueAt(b)
  local due = NEVER
  local first = redis.call('ZRANGE', named('held', b.id), 0, 0, 'WITHSCORES')
  if first[2] then due = tonumber(first[2]) end
  local promised = redis.call('ZRANGE', named('promised', b.id), 0, 0)[1]
  local e = promised and entry(b, promised)
  if e then due = math.min(due, e.told + OVERDUE) end
  return due
end

-- For those who look after buckets: lines and places, each by limiter, as processes look after theirs only.
local function mark(b, limiter, key)
  if b.waiting > 0 then
    redis.call('ZADD', named('waiting', limiter), 'NX', text(now), key)
  elseif b.isThere then
    redis.call('ZREM', named('waiting', limiter), key)
  end
  if b.count > 0 then
    redis.call('ZADD', named('due', limiter), text(dueAt(b)), key)
  elseif b.hadPlaces then
    redis.call('ZREM', named('due', limiter), key)
  end
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
  end
  mark(b, limiter, key)
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
