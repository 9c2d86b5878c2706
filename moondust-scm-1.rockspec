rockspec_format = "3.0"
package = "moondust"
version = "scm-1"
source = { url = "." }
description = {
  summary = "Augmentation pipelines for large n-dimensional volumes",
  detailed = "Gunpowder's pipelines and dacapo's training nodes as a C engine scripted in Lua.",
  license = "MIT",
}
-- The program also wants the module argparse (Debian: lua-argparse), which is not listed so that this builds without a network.
dependencies = { "lua >= 5.4, < 5.5" }
build = {
  type = "make",
  build_target = "all",
  install_target = "install-rock",
  build_variables = {},
  install_variables = { ROCK_LUADIR = "$(LUADIR)", ROCK_LIBDIR = "$(LIBDIR)", ROCK_BINDIR = "$(BINDIR)" },
}
