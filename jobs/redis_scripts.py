"""Lua scripts of the cache job. Each one runs atomically in Redis, and never replaces a newer value by an older one."""

# KEYS: keys of the newest book; ARGV: update id, event time, record, message, then one channel for each key.
# Replaces a stored book if the new one has a higher update id or a later event time (ids may restart, times may
# repeat). Returns 1 if it wrote and published, else 0.
WRITE_NEWER_BOOK = """
local stored = redis.call('GET', KEYS[1])
if stored then
  local old = cjson.decode(stored)
  if tonumber(ARGV[1]) <= old.update_id and tonumber(ARGV[2]) <= old.event_time then return 0 end
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[3])
  redis.call('PUBLISH', ARGV[4 + i], ARGV[4])
end
return 1
"""

# KEYS: keys of the newest state; ARGV: offset, event time, state, message, then one channel for each key. The message
# ends with `since`, which stays that of the stored state while the state is the same. Replaces a stored state if the
# new one has a higher offset or a later event time (offsets restart with a new topic; the event times of a state that a
# timer found may be ahead of the exchange's). Returns 1 if it wrote and published, else 0.
WRITE_NEWER_STATE = """
local stored, message = redis.call('GET', KEYS[1]), ARGV[4]
if stored then
  local old = cjson.decode(stored)
  if tonumber(ARGV[1]) <= old.record_offset and tonumber(ARGV[2]) <= old.event_time then return 0 end
  if old.state == ARGV[3] then
    message = string.gsub(message, '"since":%d+}$', string.format('"since":%.0f}', old.since))
  end
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, message)
  redis.call('PUBLISH', ARGV[4 + i], message)
end
return 1
"""

# KEYS: keys of the newest record; ARGV: event time, record, then one channel for each key. Replaces a stored record of
# the same or an earlier event time. Returns 1 if it wrote and published, else 0.
WRITE_NEWER_RECORD = """
local stored = redis.call('GET', KEYS[1])
local time = stored and tonumber(string.match(stored, '"event_time":(%d+)'))
if time and tonumber(ARGV[1]) < time then return 0 end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[2])
  redis.call('PUBLISH', ARGV[2 + i], ARGV[2])
end
return 1
"""

# KEYS: hash of one expiry, and the channel of the same name; ARGV: its time to live in seconds, then field, event time
# and record of each line. Replaces a stored field of the same or an earlier event time, since a repeated second
# replaces the first. Publishes an object of the fields written, and returns their number.
WRITE_NEWER_FIELDS = """
local written = {}
for i = 2, #ARGV, 3 do
  local stored = redis.call('HGET', KEYS[1], ARGV[i])
  local time = stored and tonumber(string.match(stored, '"event_time":(%d+)'))
  if not time or tonumber(ARGV[i + 1]) >= time then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    table.insert(written, cjson.encode(ARGV[i]) .. ':' .. ARGV[i + 2])
  end
end
if #written > 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  redis.call('PUBLISH', KEYS[1], '{' .. table.concat(written, ',') .. '}')
end
return #written
"""

# KEYS: sorted set of the newest alerts by event time; ARGV: its largest size, the number of channels, the channels,
# then event time and record of each alert. An alert that is stored already, or older than all of a full set, is neither
# added nor published. Returns the number of alerts added.
ADD_NEWER_ALERTS = """
local limit, channels, added = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
for i = 3 + channels, #ARGV, 2 do
  local oldest = redis.call('ZRANGE', KEYS[1], -limit, -limit, 'WITHSCORES')[2]
  local newer = not oldest or tonumber(ARGV[i]) >= tonumber(oldest)
  if newer and redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1]) == 1 then
    for channel = 3, 2 + channels do redis.call('PUBLISH', ARGV[channel], ARGV[i + 1]) end
    redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -limit - 1)
    added = added + 1
  end
end
return added
"""
