/* What the bindings share: boxes, checks, the pool of a Lua state, and how memory is told to the collector.
 *
 * Rules of this room. Box first, empty; then acquire into it: dust_lua_new_*() pushes a userdata that holds nothing, the C call
 * fills it, and nothing that can raise stands in between. __gc and __close (and :close()) are the same idempotent release. A
 * failed dust_status becomes a Lua error through dust_lua_check(), which is only called while nothing is held. Whatever makes a
 * Lua value may run the collector, and a script's finaliser may close the very array, graph or file that a binding looks at, as
 * may a metamethod of a table among the arguments: pointers are fetched from their boxes after the last of all that, right before
 * the C call. No C function outside this room knows Lua. All state belongs to the lua_State (registry), none to the process.
 */
#ifndef DUST_LUA_BINDING_H
#define DUST_LUA_BINDING_H

#include <lauxlib.h>
#include <lua.h>
#include <string.h>
#include "base/pool.h"
#include "base/rng.h"
#include "volume/graph.h"
#include "volume/ndarray.h"
#include "volume/spec.h"

/* Userdata that are the C value itself, and of which a batch makes and asks hundreds: their metatables stand in the registry under the address of their kind as
 * well, where they are found sooner than by name. */
typedef struct dust_lua_kind {
  const char *name; /* of the metatable in the registry */
  size_t size;
} dust_lua_kind;

extern const dust_lua_kind dust_lua_kind_coordinate, dust_lua_kind_roi, dust_lua_kind_array_spec, dust_lua_kind_graph_spec,
    dust_lua_kind_rng;
#define DUST_LUA_COORDINATE (&dust_lua_kind_coordinate)
#define DUST_LUA_ROI (&dust_lua_kind_roi)
#define DUST_LUA_ARRAY_SPEC (&dust_lua_kind_array_spec)
#define DUST_LUA_GRAPH_SPEC (&dust_lua_kind_graph_spec)
#define DUST_LUA_RNG (&dust_lua_kind_rng)

/* Metatable names in the registry of all others. */
extern const char dust_lua_ndarray_name[];
#define DUST_LUA_NDARRAY dust_lua_ndarray_name
#define DUST_LUA_GRAPH "moondust.Graph"
#define DUST_LUA_INTEGRAL "moondust.Integral"
#define DUST_LUA_TRANSFORM "moondust.Transform"
#define DUST_LUA_HDF5_FILE "moondust.Hdf5File"
#define DUST_LUA_UNBOUNDED "moondust.unbounded"

/* ---- value.c: luaL_newuserdatauv with luaL_setmetatable, luaL_testudata, luaL_checkudata and dust_lua_class for such kinds. */
void *dust_lua_new(lua_State *L, const dust_lua_kind *kind);
void *dust_lua_test(lua_State *L, int index, const dust_lua_kind *kind);
void *dust_lua_own(lua_State *L, int argument, const dust_lua_kind *kind);
void dust_lua_value_class(lua_State *L, const dust_lua_kind *kind, const luaL_Reg *methods, const luaL_Reg *meta);
/* luaL_testudata for a class that dust_lua_class made with this very `name`, which need not be looked up. */
void *dust_lua_test_class(lua_State *L, int index, const char *name);

/* ---- binding.c */
/* luaL_error with the line of the script where luaL_error itself would name the Lua function that called, also when that is one of ours. */
__attribute__((noreturn)) int dust_lua_error(lua_State *L, const char *format, ...);
#define luaL_error dust_lua_error
/* Whose functions are ours: those of chunks whose source begins with the string at `index`. */
void dust_lua_own_sources(lua_State *L, int index);
/* Raises the thread's message (with the caller's line) when status is a failure. */
void dust_lua_check(lua_State *L, dust_status status);
/* For openers: pushes nil and the message, returns 2. */
int dust_lua_fail(lua_State *L);
/* The kernel threads of this Lua state, made when first needed; NULL means one thread. */
dust_pool *dust_lua_pool(lua_State *L);
/* Told after each acquisition of `bytes` outside Lua's heap: runs the collector once enough has come together (64 MiB or as much
 * as is alive). */
void dust_lua_account(lua_State *L, size_t bytes);
/* The same without running it, which the next dust_lua_account() makes up for. */
void dust_lua_owe(lua_State *L, size_t bytes);
/* A metatable named `name` with `methods` under __index and `meta` in it (functions of `meta` have the table of methods as
 * upvalue 1, for an __index of their own); leaves nothing on the stack. */
void dust_lua_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta);
/* An integer argument; floats with whole values are taken, others refused with `what` in the message. */
int64_t dust_lua_integer(lua_State *L, int index, const char *what);
/* A table of whole numbers into out; returns how many (raises beyond DUST_MAXDIM, naming `what`). */
int dust_lua_integers(lua_State *L, int index, int64_t *out, const char *what);
/* Whether two names are the same; most that aren't differ in their first letter. */
static inline bool dust_lua_same_name(const char *a, const char *b) { return a[0] == b[0] && strcmp(a, b) == 0; }
/* A named field of the table at `index` pushed on the stack; its type. */
int dust_lua_field(lua_State *L, int index, const char *name);
/* Raises for keys of the table that are not in `known` (NULL-terminated), naming the nearest. Array part allowed up to
 * `positional`. */
void dust_lua_known_fields(lua_State *L, int index, const char *what, const char *const *known, int positional);
/* The dtype named by the string at `index`; absent or nil: fallback. */
dust_dtype dust_lua_dtype(lua_State *L, int index, dust_dtype fallback);

/* Sets (threads > 0) and returns the number of kernel threads of this Lua state. */
int dust_lua_threads(lua_State *L, int threads);
/* More methods for a class that dust_lua_class made. */
void dust_lua_add_methods(lua_State *L, const char *name, const luaL_Reg *methods);
/* For an __index function given to dust_lua_class as `meta`: pushes the method named by the key (nil when there is none), returns
 * how many values it pushed. */
int dust_lua_method(lua_State *L);

/* ---- argument.c */
/* The name in `known` (NULL-terminated) that was probably meant; NULL when none is near. */
const char *dust_lua_nearest(const char *name, const char *const *known);
/* Raises "WHAT has no KIND 'name'; did you mean 'nearest'?", or lists what there is. */
int dust_lua_unknown(lua_State *L, const char *what, const char *kind, const char *name, const char *const *known);
/* What a value is, for messages: "nil", "string", "Roi" … */
const char *dust_lua_type_name(lua_State *L, int index);
/* The one rule for values of labels: an integer is its 64 bits, so that a script's 0xffffffffffffffff (Lua's -1) is the highest id of a uint64
 * array; whole floats below 2^64 are taken too, and from 2^63 on strings of digits, "18446744073709551615" or "0xffffffffffffffff". False: none of these.
 * *beyond: from 2^63 on and not written as an integer, so that uint64 alone holds it. */
bool dust_lua_label_bits(lua_State *L, int index, uint64_t *bits, bool *beyond);
/* The bits; raises for what is none, or is beyond for an array of this dtype. */
uint64_t dust_lua_label(lua_State *L, int index, dust_dtype dtype, const char *what);
double dust_lua_number(lua_State *L, int index, const char *what);
bool dust_lua_boolean(lua_State *L, int index, const char *what); /* true or false and nothing else */
/* A table of numbers as doubles in a userdata left on the stack. */
double *dust_lua_doubles(lua_State *L, int index, size_t *count, const char *what);
/* Position of the string at `index` in `known`; absent or nil: fallback, unless that is negative. */
int dust_lua_option(lua_State *L, int index, const char *what, const char *const *known, int fallback);

/* ---- coordinate.c, roi.c, spec.c. A plain table is taken wherever a coordinate is; a single number too where ndim > 0 is known. */
dust_coordinate dust_lua_to_coordinate(lua_State *L, int index, int ndim);                      /* ndim 0: any */
dust_coordinate dust_lua_named_coordinate(lua_State *L, int index, int ndim, const char *what); /* the same, `what` in messages */
void dust_lua_push_coordinate(lua_State *L, const dust_coordinate *coordinate);
void dust_lua_push_unbounded(lua_State *L);
bool dust_lua_is_unbounded(lua_State *L, int index);
const dust_roi *dust_lua_to_roi(lua_State *L, int index);
void dust_lua_push_roi(lua_State *L, const dust_roi *roi);
dust_array_spec *dust_lua_to_array_spec(lua_State *L, int index);
void dust_lua_push_array_spec(lua_State *L, const dust_array_spec *spec);
dust_graph_spec *dust_lua_to_graph_spec(lua_State *L, int index);
void dust_lua_push_graph_spec(lua_State *L, const dust_graph_spec *spec);

/* ---- request.c */
/* Of the list at 1 and the values at 2: pushes its i-th key and that one's value; false, with a nil, at the end. */
bool dust_lua_push_next(lua_State *L, lua_Integer i);

/* ---- ndarray.c */
dust_ndarray *dust_lua_new_ndarray(lua_State *L);           /* pushes a closed box */
dust_ndarray *dust_lua_to_ndarray(lua_State *L, int index); /* raises when closed or something else */
/* dust_lua_check + dust_lua_account of the box on top of the stack; returns 1. The usual end of a binding that made an array. */
int dust_lua_made_ndarray(lua_State *L, dust_status status);

/* ---- graph.c */
dust_graph *dust_lua_to_graph(lua_State *L, int index);
dust_graph **dust_lua_new_graph(lua_State *L); /* pushes a closed box */

/* ---- rng.c */
dust_rng *dust_lua_to_rng(lua_State *L, int index);

/* Each file of this room adds its functions to the module table on top of the stack. */
void dust_lua_open_coordinate(lua_State *L);
void dust_lua_open_roi(lua_State *L);
void dust_lua_open_spec(lua_State *L);
void dust_lua_open_request(lua_State *L);
void dust_lua_open_contract(lua_State *L);
void dust_lua_open_ndarray(lua_State *L);
void dust_lua_open_graph(lua_State *L);
void dust_lua_open_rng(lua_State *L);
void dust_lua_open_kernel(lua_State *L); /* module.kernel */
void dust_lua_open_transform(lua_State *L);
void dust_lua_open_synthesize(lua_State *L); /* module.kernel.synthesize; after open_kernel */
void dust_lua_open_png(lua_State *L);        /* module.png */
void dust_lua_open_output(lua_State *L);     /* module.output */
/* For an exit() that is not ours: hidden temporary files of outputs go. Nothing else is called afterwards. */
void dust_lua_abandon_outputs(void);
void dust_lua_open_hdf5(lua_State *L);       /* module.hdf5 */
void dust_lua_open_http(lua_State *L);       /* module.http */
void dust_lua_open_system(lua_State *L);     /* threads, memory, clock, is_terminal, make_directory, version */

/* From now on files that were never closed are told on stderr instead of by a Lua warning. */
void dust_lua_tell_lost_files(void);
bool dust_lua_lost_files(void); /* whether there were any yet, or would be if the process ended now */

int luaopen_moondust_core(lua_State *L);

#endif
