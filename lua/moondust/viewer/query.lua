--- Query values, checked: whatever is wrong raises a refusal, which the viewer answers with its status and one sentence.
local M = {}

local Refusal = { __name = "moondust.viewer.Refusal" }

--- Raises a refusal.
---@param status integer
---@param format string
function M.refuse(status, format, ...)
  error(setmetatable({ status = status, message = format:format(...) }, Refusal), 0)
end

---@param raised any
---@return boolean
function M.is_refusal(raised) return getmetatable(raised) == Refusal end

local function short(text) return #text > 40 and text:sub(1, 40) .. "…" or text end

--- Refuses names that `known` doesn't have.
---@param query table<string, string>
---@param known string[]
function M.check_names(query, known)
  local set = {}
  for _, name in ipairs(known) do set[name] = true end
  for name in pairs(query) do
    if not set[name] then M.refuse(400, "there is no query value '%s' here; there is %s", short(name), table.concat(known, ", ")) end
  end
end

local function text(query, name)
  return query[name] or M.refuse(400, "the query value '%s' is missing", name)
end

--- A whole number in [least, most], in decimal digits.
---@return integer
function M.integer(query, name, least, most)
  local word = text(query, name)
  local value = word:find "^%d+$" and #word <= 16 and math.tointeger(tonumber(word))
  if value and value >= least and value <= most then return value end
  return M.refuse(400, "'%s' must be a whole number from %d to %d, not '%s'", name, least, most, short(word))
end

--- `count` finite numbers with commas between.
---@return number[]
function M.numbers(query, name, count)
  local word, list = text(query, name), {}
  if #word <= 200 then
    for part in (word .. ","):gmatch "([^,]*)," do
      local value = part:find "^[%d.eE+-]+$" and tonumber(part)
      if not value or value - value ~= 0 then break end
      list[#list + 1] = value
    end
  end
  if #list == count and select(2, word:gsub(",", "")) == count - 1 then return list end
  return M.refuse(400, "'%s' must be %d numbers with commas between, not '%s'", name, count, short(word))
end

--- One of a few words.
---@return string
function M.choice(query, name, words)
  local word = text(query, name)
  for _, known in ipairs(words) do if word == known then return word end end
  return M.refuse(400, "'%s' must be %s, not '%s'", name, table.concat(words, " or "), short(word))
end

return M
