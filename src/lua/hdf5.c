/* HDF5 files: the userdata Hdf5File and module.hdf5.
 *
 * What the world says no to comes back as nil and a message; misuse (a closed file, a box outside of the dataset, a wrong option)
 * and a lack of memory raise. Closing can fail too, as when the disk is full: :close() returns nil and a message, leaving a
 * <close> scope raises unless another error is on its way, in which case a file made anew is given up; the collector gives such a
 * file up, too, and warns. What C allocates while a result is turned into
 * tables sits in a box of its own, so that running out of memory half way leaves nothing behind.
 */
#include "lua/hdf5.h"

#include <stdio.h>
#include <string.h>
#include "base/printable.h"
#include "lua/binding.h"
#include "store/output.h"

#define RESULT "moondust.Hdf5Result"

typedef struct result {
  dust_hdf5_info *infos;
  size_t count;
  dust_hdf5_info one;
  dust_hdf5_value value;
} result;

static result *new_result(lua_State *L) {
  result *r = lua_newuserdatauv(L, sizeof *r, 0);
  *r = (result){0};
  luaL_setmetatable(L, RESULT);
  return r;
}

static int result_release(lua_State *L) {
  result *r = lua_touserdata(L, 1);
  dust_hdf5_list_release(r->infos, r->count);
  dust_hdf5_info_release(&r->one);
  dust_hdf5_value_release(&r->value);
  *r = (result){0};
  return 0;
}

/* The end of a binding: the answer on top of the stack is complete, the box below it can go. */
static int release_result(lua_State *L) {
  lua_pushcfunction(L, result_release);
  lua_pushvalue(L, -3);
  lua_call(L, 1, 0);
  return 1;
}

/* ---- files */

dust_hdf5 *dust_lua_to_hdf5_file(lua_State *L) {
  dust_hdf5 **box = luaL_checkudata(L, 1, DUST_LUA_HDF5_FILE);
  if (*box) return *box;
  lua_getiuservalue(L, 1, 1);
  luaL_error(L, "%s is closed: open it again to use it", lua_tostring(L, -1));
  return NULL;
}

const char *dust_lua_to_text(lua_State *L, int index, const char *what) {
  size_t length;
  if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "%s must be a string, not %s", what, dust_lua_type_name(L, index));
  const char *text = lua_tolstring(L, index, &length);
  if (strlen(text) != length) luaL_error(L, "%s has a zero byte in it", what);
  return text;
}

/* What a failed call leaves to the script: nil and a message when it is the world's doing, an error otherwise. */
static int refuse(lua_State *L, dust_status status) {
  if (status == DUST_ERROR_WORLD || status == DUST_ERROR_UNSUPPORTED) return dust_lua_fail(L);
  dust_lua_check(L, status);
  return 0;
}

int dust_lua_hdf5_answer(lua_State *L, dust_status status) {
  if (status != DUST_OK) return refuse(L, status);
  lua_pushboolean(L, true);
  return 1;
}

static int to_mode(lua_State *L, int index) {
  static const char *const names[] = {"r", "r+", "w", "a"};
  if (lua_isnoneornil(L, index)) return DUST_HDF5_READ;
  const char *name = dust_lua_to_text(L, index, "the mode of hdf5.open");
  for (int i = 0; i < 4; i++)
    if (strcmp(names[i], name) == 0) return i;
  return luaL_error(
      L, "hdf5.open knows no mode '%s'; there are r (read), r+ (read and write), w (make anew) and a (write, making it if needed)", name);
}

typedef struct open_options {
  bool fast; /* whether the way past HDF5 is open */
  dust_hdf5_open_options hdf5;
} open_options;

static bool to_flag(lua_State *L, int index, const char *field, bool otherwise) {
  char what[64];
  snprintf(what, sizeof what, "option %s of hdf5.open", field);
  bool value = dust_lua_field(L, index, field) == LUA_TNIL ? otherwise : dust_lua_boolean(L, -1, what);
  lua_pop(L, 1);
  return value;
}

/* What holds for files that are opened without a word on it: --allow-foreign. For the whole process. */
static _Atomic bool foreign_allowed;

static int allow_foreign(lua_State *L) {
  lua_pushboolean(L, foreign_allowed);
  if (!lua_isnone(L, 1)) foreign_allowed = dust_lua_boolean(L, 1, "hdf5.allow_foreign");
  return 1;
}

static open_options to_options(lua_State *L, int index, dust_hdf5_mode mode) {
  static const char *const known[] = {"fast", "stream", "resume", "replace", "allow_foreign", NULL};
  open_options options = {.fast = true, .hdf5.foreign = foreign_allowed};
  if (lua_isnoneornil(L, index)) return options;
  if (!lua_istable(L, index)) luaL_error(L, "the options of hdf5.open must be a table, not %s", dust_lua_type_name(L, index));
  dust_lua_known_fields(L, index, "hdf5.open", known, 0);
  options.fast = to_flag(L, index, "fast", true);
  options.hdf5.foreign = to_flag(L, index, "allow_foreign", foreign_allowed);
  options.hdf5.stream = to_flag(L, index, "stream", false);
  options.hdf5.resume = to_flag(L, index, "resume", false);
  options.hdf5.replace = to_flag(L, index, "replace", false);
  if (options.hdf5.stream && mode != DUST_HDF5_TRUNCATE) luaL_error(L, "option stream of hdf5.open goes with mode \"w\"");
  if ((options.hdf5.resume || options.hdf5.replace) && !options.hdf5.stream)
    luaL_error(L, "options resume and replace of hdf5.open go with stream = true");
  if (options.hdf5.resume && options.hdf5.replace) luaL_error(L, "hdf5.open: a stream is resumed or replaced, not both");
  return options;
}

static int file_open(lua_State *L) {
  static const dust_hdf5_mode modes[] = {DUST_HDF5_READ, DUST_HDF5_UPDATE, DUST_HDF5_TRUNCATE, DUST_HDF5_APPEND};
  const char *path = dust_lua_to_text(L, 1, "the path of an HDF5 file");
  dust_hdf5_mode mode = modes[to_mode(L, 2)];
  open_options options = to_options(L, 3, mode);
  dust_hdf5 **box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = NULL;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, DUST_LUA_HDF5_FILE);
  /* a file that nobody has any more but the collector is none that is open */
  if (mode != DUST_HDF5_READ && dust_output_allowed(path, mode != DUST_HDF5_TRUNCATE) != DUST_OK) lua_gc(L, LUA_GCCOLLECT);
  dust_status status = dust_hdf5_open_with(box, path, mode, &options.hdf5);
  if (status != DUST_OK) return refuse(L, status);
  dust_hdf5_set_fast(*box, options.fast);
  return 1;
}

static dust_status file_release(lua_State *L, bool discard) {
  dust_hdf5 **box = luaL_checkudata(L, 1, DUST_LUA_HDF5_FILE), *file = *box;
  *box = NULL;
  return discard ? dust_hdf5_discard(file) : dust_hdf5_close(file);
}

static int file_close(lua_State *L) { return dust_lua_hdf5_answer(L, file_release(L, false)); }

static int file_discard(lua_State *L) { return dust_lua_hdf5_answer(L, file_release(L, true)); }

/* An error on its way: what is made anew isn't whole. */
static int file_leave(lua_State *L) {
  bool fails = !lua_isnoneornil(L, 2);
  dust_hdf5 **box = luaL_checkudata(L, 1, DUST_LUA_HDF5_FILE);
  dust_status status = file_release(L, fails && *box && dust_hdf5_is_new(*box));
  if (!fails) dust_lua_check(L, status);
  return 0;
}

/* Files made anew that the collector found open. A program that speaks of them itself says so; Lua's warnings are off at first. */
static _Atomic long lost;
static _Atomic bool tells_lost;

void dust_lua_tell_lost_files(void) { tells_lost = true; }
bool dust_lua_lost_files(void) { return lost > 0 || dust_output_unfinished() > 0; }

static void warn_of_lost(lua_State *L, const char *words) {
  char shown[2048];
  lost++;
  dust_printable(shown, sizeof shown, words, strlen(words));
  if (tells_lost)
    fprintf(stderr, "moondust: %s\n", shown);
  else
    lua_warning(L, shown, 0);
}

static int file_collect(lua_State *L) {
  dust_hdf5 **box = luaL_checkudata(L, 1, DUST_LUA_HDF5_FILE);
  if (*box && dust_hdf5_is_new(*box)) {
    char words[512];
    lua_getiuservalue(L, 1, 1);
    snprintf(words, sizeof words, "%.400s was never closed, so it is not written: call file:close() or declare it <close>", lua_tostring(L, -1));
    file_release(L, true);
    warn_of_lost(L, words);
  } else if (file_release(L, false) != DUST_OK)
    warn_of_lost(L, dust_message());
  return 0;
}

static int file_move(lua_State *L) {
  dust_hdf5 *file = dust_lua_to_hdf5_file(L);
  const char *from = dust_lua_to_text(L, 2, "the name of a dataset or group"), *to = dust_lua_to_text(L, 3, "the new name");
  return dust_lua_hdf5_answer(L, dust_hdf5_move(file, from, to));
}

typedef struct findings {
  dust_hdf5_finding *list;
  size_t count;
} findings;

#define FINDINGS "moondust.Hdf5Findings"

static int findings_release(lua_State *L) {
  findings *f = lua_touserdata(L, 1);
  dust_hdf5_check_release(f->list, f->count);
  *f = (findings){0};
  return 0;
}

static int check_file(lua_State *L) {
  const char *path = dust_lua_to_text(L, 1, "the path of an HDF5 file");
  findings *f = lua_newuserdatauv(L, sizeof *f, 0);
  *f = (findings){0};
  luaL_setmetatable(L, FINDINGS);
  dust_status status = dust_hdf5_check(&f->list, &f->count, path);
  if (status != DUST_OK) return refuse(L, status);
  lua_newtable(L);
  for (size_t i = 0; i < f->count; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, f->list[i].name), lua_setfield(L, -2, "name");
    lua_pushboolean(L, f->list[i].ok), lua_setfield(L, -2, "ok");
    lua_pushboolean(L, f->list[i].sums), lua_setfield(L, -2, "checksum");
    if (f->list[i].message) lua_pushstring(L, f->list[i].message), lua_setfield(L, -2, "message");
    lua_seti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int file_flush(lua_State *L) { return dust_lua_hdf5_answer(L, dust_hdf5_flush(dust_lua_to_hdf5_file(L))); }

static int file_tostring(lua_State *L) {
  dust_hdf5 **box = luaL_checkudata(L, 1, DUST_LUA_HDF5_FILE);
  char path[1024];
  size_t length;
  lua_getiuservalue(L, 1, 1);
  const char *text = lua_tolstring(L, -1, &length);
  dust_printable(path, sizeof path, text, length);
  lua_pushfstring(L, "Hdf5File(%s%s)", path, *box ? "" : ", closed");
  return 1;
}

static int file_index(lua_State *L) {
  const char *field = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(field, "new") == 0) {
    dust_hdf5 **box = luaL_checkudata(L, 1, DUST_LUA_HDF5_FILE);
    return lua_pushboolean(L, *box && dust_hdf5_is_new(*box)), 1;
  }
  if (strcmp(field, "path") != 0) return dust_lua_method(L);
  luaL_checkudata(L, 1, DUST_LUA_HDF5_FILE);
  return lua_getiuservalue(L, 1, 1), 1;
}

/* ---- metadata */

static void set_integers(lua_State *L, const char *field, int count, const int64_t *values) {
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) lua_pushinteger(L, values[i]), lua_seti(L, -2, i + 1);
  lua_setfield(L, -2, field);
}

/* Numbers as a list, whether there is one or many; unsigned ones beyond int64 as floats, which only messages see. */
static void push_numbers(lua_State *L, const dust_hdf5_value *value) {
  lua_createtable(L, (int)value->count, 0);
  for (size_t i = 0; i < value->count; i++) {
    if (value->kind == DUST_HDF5_INTEGERS)
      lua_pushinteger(L, value->integers[i]);
    else
      lua_pushnumber(L, value->kind == DUST_HDF5_UNSIGNED ? (double)value->naturals[i] : value->numbers[i]);
    lua_seti(L, -2, (lua_Integer)i + 1);
  }
}

static bool has_numbers(const dust_hdf5_word *word) {
  return word->there && !word->problem[0] && word->value.count && word->value.count <= DUST_HDF5_MAXDIM && word->value.kind != DUST_HDF5_STRINGS;
}

/* voxel_size, offset and axes as far as they are simple, and `world` with every word as it is written: value or problem, and whether
 * it is a single number. */
static void push_world(lua_State *L, const dust_hdf5_info *info) {
  const dust_hdf5_word *size = &info->word[info->word[DUST_HDF5_RESOLUTION].there ? DUST_HDF5_RESOLUTION : DUST_HDF5_VOXEL_SIZE];
  const dust_hdf5_word *axes = &info->word[DUST_HDF5_AXIS_NAMES], *offset = &info->word[DUST_HDF5_OFFSET];
  if (has_numbers(size)) push_numbers(L, &size->value), lua_setfield(L, -2, "voxel_size");
  if (has_numbers(offset)) push_numbers(L, &offset->value), lua_setfield(L, -2, "offset");
  if (axes->value.count && axes->value.kind == DUST_HDF5_STRINGS) {
    dust_hdf5_value list = axes->value;
    list.scalar = false;
    dust_lua_push_hdf5_value(L, &list), lua_setfield(L, -2, "axes");
  }
  lua_createtable(L, 0, DUST_HDF5_WORD_COUNT);
  for (int i = 0; i < DUST_HDF5_WORD_COUNT; i++) {
    const dust_hdf5_word *word = &info->word[i];
    if (!word->there) continue;
    lua_createtable(L, 0, 2);
    if (word->problem[0])
      lua_pushstring(L, word->problem), lua_setfield(L, -2, "problem");
    else
      dust_lua_push_hdf5_value(L, &word->value), lua_setfield(L, -2, "value");
    lua_setfield(L, -2, dust_hdf5_word_names[i]);
  }
  lua_setfield(L, -2, "world");
}

static void push_info(lua_State *L, const dust_hdf5_info *info) {
  static const char *const storage[] = {"contiguous", "chunked", "compact", "external", "virtual"};
  lua_createtable(L, 0, 10);
  lua_pushstring(L, info->name), lua_setfield(L, -2, "name");
  lua_pushstring(L, info->type), lua_setfield(L, -2, "type");
  lua_pushinteger(L, (lua_Integer)info->bytes), lua_setfield(L, -2, "bytes");
  if (info->dtype != DUST_DTYPE_NONE) lua_pushstring(L, dust_dtype_name(info->dtype)), lua_setfield(L, -2, "dtype");
  set_integers(L, "shape", info->ndim, info->shape);
  if (info->chunked) set_integers(L, "chunks", info->ndim, info->chunks);
  push_world(L, info);
  if (info->problem) lua_pushstring(L, info->problem), lua_setfield(L, -2, "problem");
  lua_pushstring(L, storage[info->storage]), lua_setfield(L, -2, "storage");
  lua_createtable(L, info->filter_count, 0);
  for (int i = 0; i < info->filter_count; i++) lua_pushstring(L, info->filters[i]), lua_seti(L, -2, i + 1);
  lua_setfield(L, -2, "filters");
}

static int file_list(lua_State *L) {
  dust_lua_to_hdf5_file(L);
  result *r = new_result(L);
  dust_status status = dust_hdf5_list(&r->infos, &r->count, dust_lua_to_hdf5_file(L));
  if (status != DUST_OK) return refuse(L, status);
  lua_createtable(L, r->count > 1000000 ? 0 : (int)r->count, 0);
  lua_newtable(L);
  lua_Integer opened = 0, others = 0;
  for (size_t i = 0; i < r->count; i++) {
    if (r->infos[i].opened) {
      push_info(L, &r->infos[i]), lua_seti(L, -3, ++opened);
      continue;
    }
    lua_createtable(L, 0, 2);
    lua_pushstring(L, r->infos[i].name), lua_setfield(L, -2, "name");
    lua_pushstring(L, r->infos[i].problem), lua_setfield(L, -2, "problem");
    lua_seti(L, -2, ++others);
  }
  lua_pushcfunction(L, result_release);
  lua_pushvalue(L, -4);
  lua_call(L, 1, 0);
  return 2;
}

static int file_info(lua_State *L) {
  dust_lua_to_hdf5_file(L);
  const char *name = dust_lua_to_text(L, 2, "the name of a dataset");
  result *r = new_result(L);
  dust_status status = dust_hdf5_get_info(&r->one, dust_lua_to_hdf5_file(L), name);
  if (status != DUST_OK) return refuse(L, status);
  push_info(L, &r->one);
  return release_result(L);
}

static int file_exists(lua_State *L) {
  bool there = false;
  dust_hdf5 *file = dust_lua_to_hdf5_file(L);
  dust_lua_check(L, dust_hdf5_exists(file, dust_lua_to_text(L, 2, "the name of a dataset or group"), &there));
  lua_pushboolean(L, there);
  return 1;
}

static int file_attribute(lua_State *L) {
  dust_lua_to_hdf5_file(L);
  const char *name = dust_lua_to_text(L, 2, "the name of a dataset or group"),
             *attribute = dust_lua_to_text(L, 3, "the name of an attribute");
  result *r = new_result(L);
  dust_status status = dust_hdf5_get_attribute(&r->value, dust_lua_to_hdf5_file(L), name, attribute);
  if (status != DUST_OK) return refuse(L, status);
  dust_lua_push_hdf5_value(L, &r->value);
  return release_result(L);
}

static int file_set_attribute(lua_State *L) {
  dust_lua_to_hdf5_file(L);
  const char *name = dust_lua_to_text(L, 2, "the name of a dataset or group"),
             *attribute = dust_lua_to_text(L, 3, "the name of an attribute");
  dust_hdf5_value value = dust_lua_to_hdf5_value(L, 4, attribute);
  return dust_lua_hdf5_answer(L, dust_hdf5_set_attribute(dust_lua_to_hdf5_file(L), name, attribute, &value));
}

/* ---- voxels */

static int file_read(lua_State *L) {
  int64_t begin[DUST_MAXDIM], shape[DUST_MAXDIM];
  dust_lua_to_hdf5_file(L);
  const char *name = dust_lua_to_text(L, 2, "the name of a dataset");
  bool whole = lua_isnoneornil(L, 3) && lua_isnoneornil(L, 4);
  int ndim = 0;
  if (!whole) {
    ndim = dust_lua_integers(L, 3, begin, "the begin of a box");
    if (dust_lua_integers(L, 4, shape, "the shape of a box") != ndim)
      return luaL_error(L, "begin and shape of a box have different numbers of axes");
  }
  dust_ndarray *array = dust_lua_new_ndarray(L);
  dust_pool *pool = dust_lua_pool(L);
  dust_hdf5 *file = dust_lua_to_hdf5_file(L);
  dust_hdf5_set_pool(file, pool);
  dust_status status = dust_hdf5_read(array, file, name, ndim, whole ? NULL : begin, whole ? NULL : shape);
  return status == DUST_OK ? dust_lua_made_ndarray(L, status) : refuse(L, status);
}

static int file_write(lua_State *L) {
  int64_t begin[DUST_MAXDIM];
  dust_lua_to_hdf5_file(L);
  const char *name = dust_lua_to_text(L, 2, "the name of a dataset");
  const int ndim = dust_lua_to_ndarray(L, 3)->ndim;
  bool from_origin = lua_isnoneornil(L, 4);
  if (!from_origin && dust_lua_integers(L, 4, begin, "the begin of a box") != ndim)
    return luaL_error(L, "begin must have one entry for each of the array's %d axes", ndim);
  dust_hdf5 *file = dust_lua_to_hdf5_file(L);
  return dust_lua_hdf5_answer(L, dust_hdf5_write(file, name, dust_lua_to_ndarray(L, 3), from_origin ? NULL : begin));
}

/* For the program, whose process has no other user of HDF5. */
static int no_exit_handler(lua_State *L) {
  dust_hdf5_no_exit_handler();
  return 0;
}

void dust_lua_open_hdf5(lua_State *L) {
  static const luaL_Reg methods[] = {{"list", file_list},
                                     {"info", file_info},
                                     {"read", file_read},
                                     {"create", dust_lua_hdf5_create},
                                     {"write", file_write},
                                     {"attribute", file_attribute},
                                     {"set_attribute", file_set_attribute},
                                     {"exists", file_exists},
                                     {"flush", file_flush},
                                     {"move", file_move},
                                     {"discard", file_discard},
                                     {"close", file_close},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", file_collect}, {"__close", file_leave}, {"__tostring", file_tostring}, {"__index", file_index}, {NULL, NULL}};
  static const luaL_Reg result_meta[] = {{"__gc", result_release}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"open", file_open}, {"check", check_file}, {"allow_foreign", allow_foreign}, {"no_exit_handler", no_exit_handler}, {NULL, NULL}};
  static const luaL_Reg findings_meta[] = {{"__gc", findings_release}, {NULL, NULL}};
  dust_lua_class(L, DUST_LUA_HDF5_FILE, methods, meta);
  dust_lua_class(L, RESULT, NULL, result_meta);
  dust_lua_class(L, FINDINGS, NULL, findings_meta);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "hdf5");
}
