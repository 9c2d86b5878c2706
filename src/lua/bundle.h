/* Moondust's Lua files as data, made by scripts/bundle-lua while building. */
#ifndef DUST_LUA_BUNDLE_H
#define DUST_LUA_BUNDLE_H

#include <stddef.h>

typedef struct dust_lua_file {
  const char *module; /* "moondust.nodes.pad"; NULL ends the list */
  const char *path;   /* "moondust/nodes/pad.lua" */
  const unsigned char *text;
  size_t length;
} dust_lua_file;

extern const dust_lua_file dust_lua_files[];

#endif
