--- A helper for busted (--helper=tests/aggressive.lua): the collector runs every few instructions, so that whatever a
--- binding forgot to keep alive, or holds while something can raise, goes wrong here and not at a user's.
collectgarbage(os.getenv "MOONDUST_TEST_GC" == "incremental" and "incremental" or "generational")

local steps = 0
debug.sethook(function()
  steps = steps + 1
  if steps % 16 == 0 then collectgarbage() else collectgarbage("step") end
end, "", 199)
