--- A busted helper: the collector starts again after 5% of growth, so that whatever C keeps without Lua's knowing is collected
--- while it is in use.
collectgarbage("incremental", 105, 1000, 10)
