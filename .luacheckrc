-- luacheck: every Lua file of the project. Nothing sets a global; the program gives `arg` to scripts and `md` to the REPL on purpose.
std = "lua54"
max_line_length = 184
self = false -- methods that a class overrides need not use self
max_comment_line_length = 200
codes = true
ignore = { "581" } -- not (x > y) is not x <= y for NaN
exclude_files = { "build*/**", ".luarocks/**" }

-- The contract: signatures without bodies.
files["lua/moondust/meta"] = { ignore = { "212", "211", "241" }, max_comment_line_length = false }
files["lua/moondust/cli/init.lua"] = { ignore = { "122/_G", "142", "143" } }
files["lua/moondust/repl/init.lua"] = { ignore = { "122/_G", "122/coroutine", "142", "143" } }
files["tests/spec"] = { std = "+busted" }
files["scripts"] = { globals = {} }
