--- docs/moondust.1: the program's man page, from its own help.
local cli = require "moondust.cli"

local HEAD = [[
.\" made by `make docs` from lua/moondust/cli
.TH MOONDUST 1 "" "Moondust" "User commands"
.SH NAME
moondust \- augmentation pipelines for large n-dimensional volumes
.SH SYNOPSIS
.nf
%s
.fi
.SH DESCRIPTION
Runs Lua scripts with the module
.I moondust
on the path, streams batches through the pipelines that they return, and looks at what is in files.
Without arguments it is a prompt to explore in on a terminal, and runs standard input otherwise.
.SH COMMANDS
]]

local TAIL = [[
.SH ENVIRONMENT
.TP
.B MOONDUST_THREADS
How many kernel threads, 1 to 1024; default: as many as the cores that the process may use. Results are the same for any number.
.TP
.B MOONDUST_ISA
The instruction set of the kernels:
.BR baseline ,
.B v3
(AVX2) or
.B v4
(AVX-512); default: the best there is. Results are the same for each.
.TP
.BR LUA_PATH ", " LUA_CPATH
Where modules of one's own are.
.SH FILES
.TP
.I $XDG_STATE_HOME/moondust/history
What was typed at the prompt; default for the first part: $HOME/.local/state.
.TP
.I FILE.h5.partial
What
.B run \-\-out FILE.h5
writes until all batches are in; a run that was interrupted or killed leaves it, and
.B \-\-resume
goes on with it.
.SH EXIT STATUS
.TP
.B 0
All that was asked for is done and on the disk. A
.B run
without
.B \-n
and
.B serve\-view
end so by Ctrl-C, SIGTERM or SIGHUP.
.TP
.B 1
An error, with a message on standard error; damage found by
.BR check .
.TP
.B 2
Wrong usage.
.TP
.B 128 + n
Ended by signal n before all was done: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
.SH SEE ALSO
.BR lua5.4 (1)
]]

--- Text as roff shows it.
local function plain(text) return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n([.'])", "\n\\&%1"):gsub("^([.'])", "\\&%1")) end

local function command(name)
  local parser, made = cli.parser_of(name)
  local help = parser:get_help():gsub("^Usage: ", ""):gsub("%s+$", "")
  local usage, rest = help:match "^(.-)\n\n(.*)$"
  local body = rest:sub(#made.summary + 1):gsub("^%s+", "")
  return (".SS %s\n%s\n.PP\n.nf\n%s\n\n%s\n.fi\n"):format(name, plain(made.summary), plain(usage:gsub("\n       ", "\n")), plain(body))
end

--- Path -> text.
return function()
  local synopsis = cli.help():match "^Usage: (.-)\n\n":gsub("\n       ", "\n")
  local out = { (HEAD:gsub("%%s", (plain(synopsis):gsub("%%", "%%%%")))) }
  for _, name in ipairs(cli.commands()) do out[#out + 1] = command(name) end
  out[#out + 1] = TAIL
  return { ["docs/moondust.1"] = table.concat(out) }
end
