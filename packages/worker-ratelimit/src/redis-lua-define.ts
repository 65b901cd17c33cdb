/** The Lua that makes a bucket what the caller knows of it, whatever it was before. */
export const DEFINE_LUA = String.raw`
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
  if b.kind == 'places' and spec[3] == 'rate' then
    -- Who was promised a place waits like the others again.
    b.capacity = 0
    for _ = 1, math.ceil(b.count / MOST) do withdraw(b) end
  end
  b.kind = spec[3]
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
`;
