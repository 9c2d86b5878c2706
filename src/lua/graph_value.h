/* Nodes, edges and lists of ids between Lua tables and graphs; for the graph's own bindings. */
#ifndef DUST_LUA_GRAPH_VALUE_H
#define DUST_LUA_GRAPH_VALUE_H

#include "lua/binding.h"

enum { DUST_LUA_WORDS = 96 }; /* room for "location of node -9223372036854775808" and its like */

typedef struct dust_node_value {
  int64_t id;
  int ndim;
  double location[DUST_MAXDIM];
  bool temporary;
} dust_node_value;

/* ---- graph_value.c: out of tables, with named fields or by position. All raise for what makes no sense; `what` names the table in messages. */
/* The field of that name, or else the value at that position (0: none) on the stack; its type. */
int dust_lua_pick(lua_State *L, int index, const char *name, int position);
/* Both leave the attrs (a table of numbers by name, or nil) on the stack. */
dust_node_value dust_lua_read_node(lua_State *L, int index, const char *what);
void dust_lua_read_edge(lua_State *L, int index, const char *what, int64_t end[2]);
/* Reads and adds to the graph in the box at `graph`. */
void dust_lua_add_node(lua_State *L, int index, int graph, const char *what);
void dust_lua_add_edge(lua_State *L, int index, int graph, const char *what);
/* A coordinate or a table of numbers, fractions allowed, as doubles; returns how many. */
int dust_lua_location(lua_State *L, int index, double *out, const char *what);

/* ---- graph_table.c: into tables. */
/* Both take the attrs, a table, from the top of the stack. */
void dust_lua_push_node_value(lua_State *L, int64_t id, const double *location, int ndim, bool temporary);
void dust_lua_push_edge_value(lua_State *L, int64_t u, int64_t v);
void dust_lua_push_node(lua_State *L, const dust_graph *graph, size_t node);
void dust_lua_push_edge(lua_State *L, const dust_graph *graph, size_t edge);
/* A box that frees a list which C gives: pushes it empty. */
size_t **dust_lua_new_list(lua_State *L);
/* Turns the box on top of the stack, a list of positions, into a table of ids; returns 1. */
int dust_lua_positions_to_ids(lua_State *L, const dust_graph *graph, size_t count);
void dust_lua_open_graph_tables(lua_State *L);

/* ---- graph.c */
/* dust_lua_check, dust_lua_account of the graph in the box on top of the stack; returns 1. */
int dust_lua_made_graph(lua_State *L, dust_status status);

/* The graph in the box at `index`, its own from now on; good until a Lua value is made. */
dust_graph *dust_lua_writable_graph(lua_State *L, int index);
/* Pushes a box that holds the graph of argument 1 too, so that it stays while Lua values are made of it, whatever finalisers
 * close. Giving it back early is for the sake of memory and of writers, who would have to copy. */
dust_graph **dust_lua_hold_graph(lua_State *L);
void dust_lua_let_graph_go(dust_graph **box);
/* Pushes a box with a copy of the graph that is argument 1; the copy may be written. */
dust_graph *dust_lua_push_graph_copy(lua_State *L);

/* ---- graph_array.c: methods */
int dust_lua_graph_arrays(lua_State *L);
int dust_lua_graph_with_locations(lua_State *L);

/* ---- graph_make.c */
void dust_lua_open_graph_makers(lua_State *L);

#endif
