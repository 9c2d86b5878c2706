/* Slots and positions: where the n-th node sits when others before it have been removed.
 *
 * While nothing has been removed slot and position are the same and the tree is not looked at. tree[i - 1] counts the slots in
 * use among (i - lowbit(i), i], so that rank, select, removal and appending take O(log n) steps.
 */
#include "volume/graph_private.h"

static size_t lowbit(size_t i) { return i & (~i + 1); }

/* Slots in use among the first n. */
static size_t prefix(const dust_graph_table *table, size_t n) {
  size_t sum = 0;
  for (size_t i = n; i > 0; i -= lowbit(i)) sum += table->tree[i - 1];
  return sum;
}

size_t dust_table_rank(const dust_graph_table *table, dust_slot slot) { return table->holes == 0 ? slot : prefix(table, slot); }

dust_slot dust_table_select(const dust_graph_table *table, size_t position) {
  if (table->holes == 0) return (dust_slot)position;
  size_t step = 1, slot = 0;
  while (step <= table->slots / 2) step *= 2;
  for (; step > 0; step /= 2) {
    if (slot + step > table->slots || table->tree[slot + step - 1] > position) continue;
    slot += step;
    position -= table->tree[slot - 1];
  }
  return (dust_slot)slot;
}

static dust_status reserve_tree(dust_graph_table *table, size_t capacity) {
  if (table->tree_capacity >= capacity) return DUST_OK;
  DUST_TRY(dust_graph_grow(&table->tree, capacity, sizeof *table->tree));
  table->tree_capacity = capacity;
  return DUST_OK;
}

dust_status dust_table_reserve(dust_graph_table *table, size_t capacity) {
  if (table->tree_capacity > 0) DUST_TRY(reserve_tree(table, capacity)); /* a prepared removal stays prepared */
  if (table->capacity >= capacity) return DUST_OK;
  for (size_t c = 0; c < table->column_count; c++) {
    DUST_TRY(dust_graph_grow(&table->column[c].value, capacity, sizeof(double)));
    DUST_TRY(dust_graph_grow(&table->column[c].present, capacity, 1));
  }
  table->capacity = capacity;
  return DUST_OK;
}

dust_slot dust_table_append(dust_graph_table *table) {
  size_t slot = table->slots;
  if (table->holes > 0) {
    size_t i = slot + 1;
    table->tree[i - 1] = (uint32_t)(1 + prefix(table, i - 1) - prefix(table, i - lowbit(i)));
  }
  for (size_t c = 0; c < table->column_count; c++) table->column[c].present[slot] = 0;
  table->slots++;
  return (dust_slot)slot;
}

dust_status dust_table_prepare_removal(dust_graph_table *table) {
  if (table->holes > 0) return DUST_OK;
  return reserve_tree(table, table->capacity);
}

void dust_table_remove(dust_graph_table *table, dust_slot slot) {
  if (table->holes == 0) {
    for (size_t i = 1; i <= table->slots; i++) table->tree[i - 1] = (uint32_t)lowbit(i);
  }
  for (size_t i = (size_t)slot + 1; i <= table->slots; i += lowbit(i)) table->tree[i - 1]--;
  table->holes++;
}

void dust_table_release(dust_graph_table *table) {
  dust_columns_release(table);
  dust_free(table->tree);
  table->tree = NULL;
}
