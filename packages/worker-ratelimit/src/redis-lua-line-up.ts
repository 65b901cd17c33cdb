/** The Lua of those who are lined up, who leave, and of units and places that come back. */

/** Argument: `{ spec, entries }`. Answers with the turns. */
export const LINE_UP_LUA = `
local input = cjson.decode(ARGV[1])
local b = bucket(input.spec)
if b.kind == 'places' then purge(b) end

-- Those of a page that are new, each once; turns of the others stand.
local function newOf(lines)
  local names, rows, units, isListed = {}, {}, b.units, {}
  for i, line in ipairs(lines) do names[i] = line[1] end
  local raws = redis.call('HMGET', named('wait', b.id), unpack(names))
  for i, line in ipairs(lines) do
    local id = line[1]
    if raws[i] then
      if b.kind == 'rate' then tell(id, unpacked(raws[i]).turn) end
    elseif not isListed[id] and not (b.count > 0 and holderOf(b, id)) then
      isListed[id] = true
      units = units + line[2]
      local turn = b.kind == 'rate' and turnAfter(b, units) or now
      rows[#rows + 1] = { id, line[2], turn }
      if b.kind == 'rate' then tell(id, turn) end
    end
  end
  return rows
end

for from = 1, #input.entries, MOST do
  local lines = {}
  for i = from, math.min(#input.entries, from + MOST - 1) do lines[#lines + 1] = input.entries[i] end
  local rows = newOf(lines)
  if #rows > 0 then appendAll(b, rows) end
end
if b.kind == 'places' then settle(b) end
return finish()
`;

/** Argument: `{ holder, ids }`. Answers with the turns of those the places go to. */
export const RELEASE_LUA = `
local input = cjson.decode(ARGV[1])
for _, id in ipairs(input.ids) do
  each(id, 'p', function(b)
    if holderOf(b, id) == input.holder then
      drop(b, id)
      purge(b)
      settle(b)
    end
  end)
end
return finish()
`;

/** Argument: `{ ids }`. Answers with the turns of those the places go to. */
export const LEAVE_LUA = `
for _, id in ipairs(cjson.decode(ARGV[1]).ids) do
  leaveLines(id)
  giveUp(id)
end
return finish()
`;

/**
 * Argument: `{ refunds }`, each a spec, units, and what was spent when they were granted. Takes back as much as keeps
 * the bucket at what it would be without those units: what was charged since then stands, as if all at the last moment.
 */
export const REFUND_LUA = String.raw`
for _, r in ipairs(cjson.decode(ARGV[1]).refunds) do
  local id = r[1][1] .. '\0' .. r[1][2]
  local known = load(id)
  if known.kind == 'rate' and known.tau == unitOf(r[1][4]) and known.spent >= r[3] and now <= known.leased + REFUND_FOR then
    local without = known.tat - r[2] * unitOf(r[1][4])
    if known.spent > r[3] then without = math.max(without, known.last + known.spent - r[3]) end
    known.tat = math.min(known.tat, without)
    known.isUsed = true
  end
end
return finish()
`;
