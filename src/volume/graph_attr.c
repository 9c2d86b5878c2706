/* Attributes of nodes and edges: a column of doubles for each name, with a byte that says who has a value.
 *
 *     "radius"   value [1.5  ?  2.0]   present [1 0 1]
 */
#include "volume/graph_private.h"

#define NO_COLUMN SIZE_MAX

static size_t find_column(const dust_graph_table *table, const char *name) {
  for (size_t c = 0; c < table->column_count; c++) {
    if (strcmp(table->column[c].name, name) == 0) return c;
  }
  return NO_COLUMN;
}

static void release_column(dust_graph_column *column) {
  dust_free(column->name);
  dust_free(column->value);
  dust_free(column->present);
}

static dust_status make_column(dust_graph_column *column, const char *name, size_t capacity) {
  size_t length = strlen(name) + 1;
  void *text = NULL, *value = NULL, *present = NULL;
  dust_status status = DUST_OK;
  DUST_GO(dust_alloc(&text, length));
  memcpy(text, name, length);
  DUST_GO(dust_alloc(&value, capacity * sizeof(double)));
  DUST_GO(dust_calloc(&present, capacity, 1));
  *column = (dust_graph_column){text, value, present};
  return DUST_OK;
done:
  dust_free(text);
  dust_free(value);
  return status;
}

dust_status dust_column_require(dust_graph_table *table, const char *name, size_t *index) {
  *index = find_column(table, name);
  if (*index != NO_COLUMN) return DUST_OK;
  dust_graph_column column;
  DUST_TRY(dust_graph_grow(&table->column, table->column_count + 1, sizeof column));
  DUST_TRY(make_column(&column, name, table->capacity));
  *index = table->column_count++;
  table->column[*index] = column;
  return DUST_OK;
}

dust_status dust_columns_like(dust_graph_table *table, const dust_graph_table *model) {
  for (size_t c = 0; c < model->column_count; c++) {
    size_t index;
    DUST_TRY(dust_column_require(table, model->column[c].name, &index));
  }
  return DUST_OK;
}

void dust_columns_move(dust_graph_table *table, dust_slot from, dust_slot to) {
  for (size_t c = 0; c < table->column_count; c++) {
    table->column[c].value[to] = table->column[c].value[from];
    table->column[c].present[to] = table->column[c].present[from];
  }
}

void dust_columns_take(dust_graph_table *table, dust_slot slot, const dust_graph_table *source, dust_slot source_slot) {
  for (size_t c = 0; c < source->column_count; c++) {
    if (!source->column[c].present[source_slot]) continue;
    size_t own = find_column(table, source->column[c].name);
    table->column[own].value[slot] = source->column[c].value[source_slot];
    table->column[own].present[slot] = 1;
  }
}

void dust_columns_release(dust_graph_table *table) {
  for (size_t c = 0; c < table->column_count; c++) release_column(&table->column[c]);
  dust_free(table->column);
  table->column = NULL;
  table->column_count = 0;
}

/* ---- the public face */

static dust_status set_attr(dust_graph_table *table, size_t position, const char *name, double value) {
  size_t c;
  DUST_TRY(dust_column_require(table, name, &c));
  dust_slot slot = dust_table_select(table, position);
  table->column[c].value[slot] = value;
  table->column[c].present[slot] = 1;
  return DUST_OK;
}

dust_status dust_graph_set_node_attr(dust_graph *graph, size_t node, const char *name, double value) {
  return set_attr(&graph->nodes, node, name, value);
}

dust_status dust_graph_set_edge_attr(dust_graph *graph, size_t edge, const char *name, double value) {
  return set_attr(&graph->edges, edge, name, value);
}

static const dust_graph_table *table_of(const dust_graph *graph, bool of_edges) { return of_edges ? &graph->edges : &graph->nodes; }

size_t dust_graph_attr_count(const dust_graph *graph, bool of_edges) { return table_of(graph, of_edges)->column_count; }

const char *dust_graph_attr_name(const dust_graph *graph, bool of_edges, size_t attr) {
  return table_of(graph, of_edges)->column[attr].name;
}

double dust_graph_attr(const dust_graph *graph, bool of_edges, size_t attr, size_t item, bool *present) {
  const dust_graph_table *table = table_of(graph, of_edges);
  dust_slot slot = dust_table_select(table, item);
  *present = table->column[attr].present[slot];
  return *present ? table->column[attr].value[slot] : 0;
}
