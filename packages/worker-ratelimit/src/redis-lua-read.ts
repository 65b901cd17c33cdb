/** The Lua that answers questions, keeps overrides and says who leads. */

/** Argument: `{ limiter, limit }`. Answers with limiter, key, utilization, running (empty for a rate), waiting. */
export const STATES_LUA = String.raw`
local input = cjson.decode(ARGV[1])
local limiters = { input.limiter }
if plain(input.limiter) == nil then
  limiters = redis.call('SMEMBERS', root .. ':limiters')
  table.sort(limiters)
end
local states = {}
for _, limiter in ipairs(limiters) do
  if #states >= input.limit then break end
  for _, key in ipairs(redis.call('ZREVRANGE', named('keys', limiter), 0, input.limit - #states - 1)) do
    local b = load(limiter .. '\0' .. key)
    local used, running = 0, ''
    if b.kind == 'rate' and b.span > 0 then
      used = math.max(0, b.tat - now) / b.span
    elseif b.kind == 'places' then
      local expired = redis.call('ZCOUNT', named('held', b.id), '-inf', text(now))
      used = (b.count - expired) / math.max(1, b.capacity)
      running = text(b.count - expired)
    end
    -- Those that are gone are still to be swept.
    if b.isThere then states[#states + 1] = { limiter, key, text(math.min(1, used)), running, text(b.waiting) } end
  end
end
return states
`;

/** Argument: `{ id }`. Answers with limiter, key, how many before, since and turn (empty for a place) in milliseconds. */
export const IN_LINE_LUA = `
local id = cjson.decode(ARGV[1]).id
local function date(at) return string.format('%.0f', at / 1000 + 1767225600000) end
local places = {}
each(id, 'l', function(b)
  local e = entry(b, id)
  local before = redis.call('ZRANK', named('line', b.id), id)
  if e and before then
    local limiter, key = split(b.id)
    local turn = ''
    if b.kind == 'rate' then turn = date(e.turn) end
    places[#places + 1] = { limiter, key, text(before), date(e.since), turn }
  end
end)
return places
`;

/**
 * Argument: `{ limiter, key, record, log }`, record null to delete. Answers with 1 when there was one. What was changed
 * is logged; the channel says so.
 */
export const SET_OVERRIDE_LUA = String.raw`
local input = cjson.decode(ARGV[1])
local all = root .. ':overrides'
local field = input.limiter
if plain(input.key) ~= nil then field = field .. '\0' .. input.key end
local at = string.format('%.0f', now / 1000 + 1767225600000)
local had = redis.call('HEXISTS', all, field)
local record = plain(input.record)
if record then
  redis.call('HSET', all, field, at .. ' ' .. record)
elseif had == 1 then
  redis.call('HDEL', all, field)
end
if record or had == 1 then
  redis.call('LPUSH', root .. ':override-log', at .. ' ' .. input.log)
  redis.call('LTRIM', root .. ':override-log', 0, 9999)
  redis.call('PUBLISH', root .. ':events', 'overrides')
end
return had
`;

/** Answers with the overrides: when, a space, the record. */
export const OVERRIDES_LUA = `
return redis.call('HVALS', root .. ':overrides')
`;

/** Argument: `{ holder, what, forMs }`. Answers with 1 for the one who leads. */
export const LEAD_LUA = `
local input = cjson.decode(ARGV[1])
local key = named('lead', input.what)
local leader = redis.call('GET', key)
if leader and leader ~= input.holder then return 0 end
redis.call('SET', key, input.holder, 'PX', string.format('%.0f', math.max(1, input.forMs)))
return 1
`;
