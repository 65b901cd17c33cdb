/**
 * The Lua that admits. Argument: `{ holder, leaseMs, specs, requests, started }`, see `redis-request.ts`. Answers with
 * the answers, one a request, and the turns.
 */
export const ADMIT_LUA = String.raw`
local input = cjson.decode(ARGV[1])
local holder, specs = input.holder, input.specs
local EARLY = 2000
-- Units that take less time than a job on its way have no order.
local STRICT = 5000

-- Places of a request until the first that is not there; those are taken, unless it only looks.
local function takePlaces(id, demands, isPeek)
  local places = {}
  for i, d in ipairs(demands) do
    local b = bucket(specs[d[1]])
    if b.kind == 'places' and d[2] > 0 then
      purge(b)
      local has = b.count > 0 and holderOf(b, id)
      if not has then
        if b.waiting > 0 or b.count >= b.capacity then return places, i, b end
        if not isPeek then take(b, id, '', NEVER) end
      elseif has == '' and not isPeek then
        local e = entry(b, id)
        if e then places.since = math.min(places.since or e.since, e.since) end
        keep(b, id)
      end
      places[#places + 1] = b
    end
  end
  return places
end

-- Those after the first that is missing: kept, they could make a circle when the order has changed.
local function dropAfter(id, demands, index)
  for i = index + 1, #demands do
    local b = bucket(specs[demands[i][1]])
    if b.kind == 'places' and holderOf(b, id) == '' then
      drop(b, id)
      settle(b)
    end
  end
end

-- What stands in the way of one rate: when its turn is; nothing when it may start.
local function obstacle(b, id, units, e)
  local fits = math.max(b.tat, now) + units * b.tau <= now + b.span
  if not e then
    if fits and b.waiting == 0 then return nil end
    return turnAfter(b, b.units + units)
  end
  if fits and e.turn <= now + EARLY and (b.tau < STRICT or not isOneComing(b, id, units)) then return nil end
  local turn = turnOf(b, id, e, units)
  if fits and turn <= now + EARLY then return nil end
  return turn
end

-- Of those first in line, those whose turn comes before the lease ends, as far as the units go.
local function leaseForLine(b, units, ends)
  local waiting, left = {}, units
  local line, raws = page(b, 0, math.min(units, MOST))
  for i, id in ipairs(line) do
    local e = unpacked(raws[i])
    if e.turn > ends or e.units > left then break end
    left = left - e.units
    waiting[#waiting + 1] = { id, text((now - e.since) / 1000) }
  end
  return units - left, waiting
end

local function lease(b, index, wanted)
  local forUs = math.floor(math.min(200000, 0.2 * b.span))
  if wanted <= 0 or forUs < 10000 or b.isLeased then return nil end
  local base = math.max(b.tat, now + forUs)
  local units = math.min(wanted, math.floor((now + b.span - base) / b.tau))
  local line
  if units > 0 and b.waiting > 0 then units, line = leaseForLine(b, units, now + forUs) end
  if units <= 0 then return nil end
  b.isLeased = true
  charge(b, units, now + forUs)
  b.leased = math.max(b.leased, now + forUs)
  return { text(index - 1), text(units), text(forUs / 1000), text(b.spent), line or false }
end

local function refuse(id, isPeek, index, at)
  if not isPeek then
    leaveLines(id)
    giveUp(id)
  end
  return { 'refused', text(index - 1), at and inMs(at) or '' }
end

local function start(id, demands, places, entries)
  local since = places.since
  for i, d in ipairs(demands) do
    local b = bucket(specs[d[1]])
    if b.kind == 'rate' and d[2] > 0 then
      if entries[i] then
        since = math.min(since or entries[i].since, entries[i].since)
        removeFromLine(b, id, entries[i])
      end
      charge(b, d[2], now)
    end
  end
  for _, b in ipairs(places) do
    take(b, id, holder, now + input.leaseMs * 1000)
    keep(b, id)
  end
  -- Lines, and places, of limits that the job does not have any more.
  leaveLines(id)
  giveUp(id)
  turns[id] = nil
  return { 'admitted', since and text((now - since) / 1000) or '' }
end

-- What is left goes to leases, one a bucket: no request of a batch is held up for them.
local function grantLeases(answer, demands)
  for i, d in ipairs(demands) do
    local b = bucket(specs[d[1]])
    if b.kind == 'rate' then
      local granted = lease(b, i, d[3])
      if granted then answer[#answer + 1] = granted end
    end
  end
end

local function waitForPlace(id, demands, index, b, maxWait)
  if maxWait == 0 then return refuse(id, false, index) end
  if not entry(b, id) then append(b, id, 1, now) end
  dropAfter(id, demands, index)
  return { 'waiting', text(index - 1), '' }
end

local function waitForRate(id, index, b, units, e, turn, places)
  if e then
    e.turn = turn
    e.told = now
    write(b, id, e)
  else
    append(b, id, units, turn)
  end
  for _, place in ipairs(places) do
    drop(place, id)
    settle(place)
  end
  return { 'waiting', text(index - 1), inMs(turn) }
end

local function admit(id, isPeek, maxWait, demands)
  local places, missing, full = takePlaces(id, demands, isPeek)
  if missing and isPeek then return refuse(id, true, missing) end
  if missing then return waitForPlace(id, demands, missing, full, maxWait) end
  local entries, worst, latest = {}, nil, -NEVER
  for i, d in ipairs(demands) do
    local b = bucket(specs[d[1]])
    if b.kind == 'rate' and d[2] > 0 then
      entries[i] = b.waiting > 0 and entry(b, id) or nil
      local turn = obstacle(b, id, d[2], entries[i])
      if turn and turn > latest then worst, latest = i, turn end
    end
  end
  if not worst then return start(id, demands, places, entries) end
  if isPeek or (maxWait and latest - now > maxWait * 1000) then return refuse(id, isPeek, worst, latest) end
  local d = demands[worst]
  return waitForRate(id, worst, bucket(specs[d[1]]), d[2], entries[worst], latest, places)
end

for _, s in ipairs(input.started) do
  local b = load(s[1] .. '\0' .. s[2])
  local e = b.waiting > 0 and entry(b, s[3])
  if e then removeFromLine(b, s[3], e) end
end
local answers = {}
for i, r in ipairs(input.requests) do answers[i] = admit(r[1], r[2], plain(r[3]), r[4]) end
for i, r in ipairs(input.requests) do
  if answers[i][1] == 'admitted' then grantLeases(answers[i], r[4]) end
end
return { answers, finish() }
`;
