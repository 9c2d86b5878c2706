--- Who may ask: only a page that was opened with the URL that the program printed.
---
--- The server listens on 127.0.0.1, which every program of this machine and every page in a browser can reach. So each request must
--- carry a token in its path that nobody can guess; its Host must be this very server, or a page of another name that resolves to
--- 127.0.0.1 would be one with ours (DNS rebinding); and what has an Origin must come from our own page.
local M = {}

local TOKEN_BYTES = 16

--- 32 hex digits from the operating system.
---@return string
function M.new_token()
  local file = assert(io.open("/dev/urandom", "rb"))
  local bytes = file:read(TOKEN_BYTES)
  file:close()
  assert(bytes and #bytes == TOKEN_BYTES, "/dev/urandom gave too little")
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

--- Whether two strings are the same, in a time that depends on their lengths alone.
---@param a string
---@param b string
---@return boolean
function M.same(a, b)
  local difference = #a ~ #b
  for i = 1, #a do difference = difference | (a:byte(i) ~ (b:byte(i) or 0)) end
  return difference == 0
end

--- What is left of the path behind the token: "/tile" of "/TOKEN/tile"; nil for whoever is not let in.
---@param token string
---@param port integer
---@param path string
---@param headers table<string, string>  names in lower case
---@return string?
function M.admit(token, port, path, headers)
  local host = headers.host
  if host ~= ("127.0.0.1:%d"):format(port) and host ~= ("localhost:%d"):format(port) then return nil end
  if headers.origin and headers.origin ~= "http://" .. host then return nil end
  local given, rest = path:match "^/([^/]*)(.*)$"
  if not given or not M.same(token, given) then return nil end
  return rest
end

return M
