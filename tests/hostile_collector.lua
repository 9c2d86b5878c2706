--- A busted helper: the collector never rests, so that whatever C keeps without Lua's knowing is collected while it is in use.
collectgarbage("incremental", 1, 1000, 1)
