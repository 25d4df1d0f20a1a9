-- One message of a node about one key, and the answer; `Central` in shared/central.rs is the same in Rust.
-- KEYS: the store's memory of itself, and the key's state. Times are microseconds of this server's clock.
local shape, at_once, period, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local nodes, quarantine, trust = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local node, life, seq = 'n:' .. ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
local spent, back, back_window = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local want, known = tonumber(ARGV[14]), tonumber(ARGV[15])
local bucket = shape == 'b'

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function text(number) return string.format('%.0f', number) end
local function up(a, b)
  local rest = a % b
  if rest == 0 then return a / b end
  return (a - rest) / b + 1
end
local function down(a, b) return (a - a % b) / b end

-- The epoch.
local memory = redis.call('HMGET', KEYS[1], 'born', 'doubted')
local born, doubted = tonumber(memory[1]), memory[2] == '1'
local before = doubted
if not born then
  born, doubted, before = now, trust == '0', nil
end
if known ~= 0 and known ~= born then doubted = true end
if doubted ~= before then
  redis.call('HSET', KEYS[1], 'born', text(born), 'doubted', doubted and '1' or '0')
end
local closed = 0
if doubted then
  local length = bucket and quarantine or period - born % period
  closed = math.max(0, born + length - now)
end

-- The state.
local state = redis.call('HMGET', KEYS[2], 'window', 'used', 'full_at', node)
local window, used, full_at = tonumber(state[1] or '0'), tonumber(state[2] or '0'), tonumber(state[3] or '0')
local left = 0
if not bucket then
  local current = math.max(down(now, period), window)
  if current ~= window then window, used = current, 0 end
  left = (window + 1) * period - now
end
local function take(n)
  if n == 0 then return end
  if bucket then full_at = math.max(full_at, now) + up(n * period, count) else used = used + n end
end
local all = bucket and up(at_once * period, count) or 0
local function available()
  if not bucket then return math.max(0, at_once - used) end
  return down(math.max(0, all - math.max(0, full_at - now)) * count, period)
end

local granted, heard, is_known, returns = 0, 0, false, true
if state[4] then
  local last_life, last_seq, last_granted, last_window = state[4]:match('^(%d+):(%d+):(%d+):(%d+)$')
  -- What was given back in another life is not given back again.
  returns = tonumber(last_life) == life
  if tonumber(last_life) > life then
    heard = tonumber(last_life)
  elseif returns and tonumber(last_seq) >= seq then
    is_known = true
    if tonumber(last_seq) == seq and tonumber(last_window) == window then granted = tonumber(last_granted) end
  end
end
local function keep(name, value)
  redis.call('HSET', KEYS[2], 'window', text(window), 'used', text(used), 'full_at', text(full_at), name, value)
  -- A minute longer than it says anything, so that late repetitions are still recognised.
  redis.call('PEXPIRE', KEYS[2], text(up(math.max(left, full_at - now, 0), 1000) + 60000))
end
if heard > 0 then
  -- Late, perhaps not for the first time: it is charged, and that is all.
  take(spent)
  keep(node, state[4])
elseif not is_known then
  take(spent)
  if returns and bucket then
    full_at = math.max(0, full_at - down(back * period, count))
  elseif returns and back_window == window then
    used = math.max(0, used - back)
  end
  local free = available()
  if closed == 0 then granted = math.min(want, math.max(1, down(free, 2 * nodes)), free) end
  take(granted)
  keep(node, table.concat({ text(life), text(seq), text(granted), text(window) }, ':'))
end
local wait = 0
if granted == 0 and want > 0 then
  wait = left
  if bucket then wait = math.max(0, math.max(0, full_at - now) + up(period, count) - all) end
  wait = math.max(wait, closed)
end
local level = used
if bucket then level = math.max(0, full_at - now) end
return { seq, born, window, level, left, granted, wait, closed, heard, now }
