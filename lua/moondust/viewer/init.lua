--- The viewer: answers the requests of its page (page/). A fixed set of routes below /TOKEN/; nothing of the file system can be named.
---
---     GET  /            the page, and its style.css and *.js
---     GET  /source      where scenes come from: kind, title, first number, how many
---     GET  /scene       what is on show (the first scene, when none is yet), as JSON
---     POST /scene?number=N          shows batch N: by seed for a pipeline, by place for a file
---     GET  /tile?scene&pane&channel&place&level&row&column&as       voxels, see pane.lua
---     GET  /value?scene&at=z,y,x    exact values of every pane at a world position
---     GET  /points?scene&index      nodes and edges of a graph
---
--- `scene` is the id that /scene told: whoever asks about one that is no longer on show gets 410.
local class = require("moondust.class").class
local guard = require "moondust.viewer.guard"
local json = require "moondust.viewer.json"
local query = require "moondust.viewer.query"
local Pane = require "moondust.viewer.pane"

---@class moondust.viewer.Viewer : moondust.Class
---@field token string
---@field port integer
---@field url string
---@overload fun(fields: { scenes: table, port: integer, interrupted: (fun(): boolean)? }): moondust.viewer.Viewer
local Viewer = class "Viewer"

local PAGE = { ["/"] = { "index.html", "text/html; charset=utf-8" }, ["/style.css"] = { "style.css", "text/css; charset=utf-8" } }
for _, name in ipairs { "viewer.js", "panel.js", "pane.js", "tiles.js", "look.js", "points.js" } do
  PAGE["/" .. name] = { name, "text/javascript; charset=utf-8" }
end

local SECURITY = {
  ["Content-Security-Policy"] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    .. "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ["X-Content-Type-Options"] = "nosniff", ["X-Frame-Options"] = "DENY", ["Referrer-Policy"] = "no-referrer",
  ["Cross-Origin-Resource-Policy"] = "same-origin", ["Cross-Origin-Opener-Policy"] = "same-origin", ["Cache-Control"] = "no-store",
}

-- The page lies beside this file, wherever that was installed.
local function read_page()
  local home = assert(package.searchpath("moondust.viewer", package.path)):gsub("init%.lua$", "page/")
  local files = {}
  for route, asset in pairs(PAGE) do
    local file <close> = assert(io.open(home .. asset[1], "rb"))
    files[route] = file:read "a"
  end
  return files
end

function Viewer:init(fields)
  self.scenes, self.port, self.token = fields.scenes, fields.port, guard.new_token()
  self.interrupted = fields.interrupted or function() return false end
  self.url = ("http://127.0.0.1:%d/%s/"):format(self.port, self.token)
  self.page, self.shown = read_page(), 0
end

-- ------------------------------------------------------------------------------------------------ answers

local function answer(status, kind, body, more)
  local headers = { ["Content-Type"] = kind }
  for name, value in pairs(SECURITY) do headers[name] = value end
  for name, value in pairs(more or {}) do headers[name] = value end
  return status, headers, body
end

local function refusal(status, message, more) return answer(status, "text/plain; charset=utf-8", message .. "\n", more) end
local function as_json(value) return answer(200, "application/json", json.encode(value)) end

-- ------------------------------------------------------------------------------------------------ routes

-- The new scene is there before the old one goes: after an error the old one is still on show.
local function show(self, number)
  local scene = self.scenes:load(number)
  scene.id = self.shown + 1
  local description = scene:describe()
  if self.scene then self.scene:close() end
  self.scene, self.shown, self.description = scene, scene.id, description
end

local function get_source(self, wanted)
  query.check_names(wanted, {})
  local told, source = {}, self.scenes
  for _, name in ipairs { "kind", "title", "subtitle", "first", "count", "step" } do told[name] = source[name] end
  return as_json(told)
end

local function get_scene(self, wanted)
  query.check_names(wanted, {})
  if not self.scene then show(self, self.scenes.first) end
  return as_json(self.description)
end

local function post_scene(self, wanted)
  query.check_names(wanted, { "number" })
  show(self, query.integer(wanted, "number", 0, self.scenes.count - 1))
  return as_json(self.description)
end

local function scene_of(self, wanted)
  local id = query.integer(wanted, "scene", 0, 1 << 53)
  if not self.scene or id ~= self.scene.id then query.refuse(410, "scene %d is no longer on show", id) end
  return self.scene
end

local function place_of(wanted, pane)
  local count = pane.dims - 2
  local place = count > 0 and query.numbers(wanted, "place", count) or {}
  for d = 1, count do
    local index = math.tointeger(place[d])
    if not index or index < 0 or index >= pane:length(d) then
      query.refuse(400, "'place' must be whole numbers inside of %s (axis %d has %d voxels)", pane.name, d, pane:length(d))
    end
    place[d] = index
  end
  return place
end

local function get_tile(self, wanted)
  query.check_names(wanted, { "scene", "pane", "channel", "place", "level", "row", "column", "as" })
  local scene = scene_of(self, wanted)
  local pane = scene.panes[query.integer(wanted, "pane", 0, #scene.panes - 1) + 1]
  local level = query.integer(wanted, "level", 0, Pane.MAX_LEVEL)
  local rows, columns = pane:tiles(level)
  return answer(200, "application/octet-stream", pane:tile {
    channel = query.integer(wanted, "channel", 0, pane.channels - 1), place = place_of(wanted, pane), level = level,
    row = query.integer(wanted, "row", 0, rows - 1), column = query.integer(wanted, "column", 0, columns - 1),
    as = query.choice(wanted, "as", { "grey", "labels" }),
  })
end

local function get_value(self, wanted)
  query.check_names(wanted, { "scene", "at" })
  local scene = scene_of(self, wanted)
  return as_json(scene:values_at(query.numbers(wanted, "at", scene.dims)))
end

local function get_points(self, wanted)
  query.check_names(wanted, { "scene", "index" })
  local scene = scene_of(self, wanted)
  return as_json(scene.points[query.integer(wanted, "index", 0, #scene.points - 1) + 1])
end

local ROUTES = {
  ["/source"] = { GET = get_source }, ["/scene"] = { GET = get_scene, POST = post_scene }, ["/tile"] = { GET = get_tile },
  ["/value"] = { GET = get_value }, ["/points"] = { GET = get_points },
}
for route, asset in pairs(PAGE) do
  ROUTES[route] = { GET = function(self) return answer(200, asset[2], self.page[route]) end }
end

local function allowed(methods)
  local names = { "HEAD" }
  for name in pairs(methods) do names[#names + 1] = name end
  table.sort(names)
  return { Allow = table.concat(names, ", ") }
end

-- Faults of the pipeline or the file are answered; Ctrl-C goes on to whoever serves.
local function guarded(self, route, wanted)
  local result = table.pack(xpcall(route, function(raised)
    return query.is_refusal(raised) and raised or tostring(raised)
  end, self, wanted))
  if result[1] then return table.unpack(result, 2, result.n) end
  local raised = result[2]
  if self.interrupted() then error(raised, 0) end
  if query.is_refusal(raised) then return refusal(raised.status, raised.message) end
  return refusal(500, raised)
end

--- Answers one request: what core.http's serve wants as its handler. HEAD is GET, whose body the server leaves out.
---@param method string
---@param path string
---@param wanted table<string, string>   query
---@param headers table<string, string>
---@return integer status
---@return table<string, string> headers
---@return string body
function Viewer:handle(method, path, wanted, headers)
  local rest = guard.admit(self.token, self.port, path, headers)
  if not rest then return refusal(403, "Forbidden: open the URL that moondust printed.") end
  if rest == "" then return refusal(308, "The page is one '/' further.", { Location = "/" .. self.token .. "/" }) end
  local methods = ROUTES[rest]
  if not methods then return refusal(404, "There is nothing here.") end
  local route = methods[method == "HEAD" and "GET" or method]
  if not route then return refusal(405, ("%s can't be asked for here."):format(method), allowed(methods)) end
  if (headers["content-length"] or "0") ~= "0" or headers["transfer-encoding"] then
    return refusal(413, "A request here has no body.")
  end
  return guarded(self, route, wanted)
end

--- Lets go of what is on show and of where it comes from.
function Viewer:close()
  if self.scene then self.scene:close() end
  self.scene = nil
  self.scenes:close()
end
Viewer.__close = Viewer.close

return Viewer
