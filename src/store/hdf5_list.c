/* What is in a file: names and infos of all datasets.
 *
 * The walk keeps a list of groups to enter, those reached through hard links first, and enters each group once whatever the
 * number of its names: cycles of links end, a ladder of doubled links doesn't explode, and a group keeps its proper name rather
 * than an alias's. Datasets are listed under each name they have in the groups entered. Links that lead nowhere are passed over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/hdf5_internal.h"

/* ---- growing lists of names */

dust_status dust_h5_names_add(dust_h5_names *names, const char *group, const char *link) {
  if (names->count == names->capacity) {
    size_t capacity = names->capacity ? 2 * names->capacity : 16;
    void *grown = names->name;
    DUST_TRY(dust_realloc(&grown, capacity * sizeof *names->name));
    names->name = grown, names->capacity = capacity;
  }
  size_t size = strlen(group) + strlen(link) + 2;
  void *text;
  DUST_TRY(dust_alloc(&text, size));
  snprintf(text, size, "%s%s%s", group, group[0] ? "/" : "", link);
  names->name[names->count++] = text;
  return DUST_OK;
}

void dust_h5_names_release(dust_h5_names *names) {
  for (size_t i = 0; i < names->count; i++) dust_free(names->name[i]);
  dust_free(names->name);
  *names = (dust_h5_names){0};
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* ---- the links of one group */

typedef struct links {
  dust_h5_names hard, soft; /* soft: external ones too */
  dust_status status;
} links;

static herr_t collect_link(hid_t group, const char *name, const H5L_info_t *link, void *context) {
  links *found = context;
  found->status = dust_h5_names_add(link->type == H5L_TYPE_HARD ? &found->hard : &found->soft, "", name);
  return found->status == DUST_OK ? 0 : -1;
}

static void links_release(links *found) { dust_h5_names_release(&found->hard), dust_h5_names_release(&found->soft); }

/* Links of the group `clean`, sorted; the caller releases them after a failure too. */
static dust_status links_of(links *out, const dust_hdf5 *file, hid_t group, const char *clean) {
  *out = (links){0};
  hsize_t next = 0;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &next, collect_link, out) < 0)
    return out->status != DUST_OK ? out->status : dust_h5_fail(file, "listing group", clean);
  if (out->hard.count) qsort(out->hard.name, out->hard.count, sizeof(char *), by_name);
  if (out->soft.count) qsort(out->soft.name, out->soft.count, sizeof(char *), by_name);
  return DUST_OK;
}

/* ---- the walk */

typedef struct identity {
  unsigned long file;
#if H5_VERSION_GE(1, 12, 0)
  H5O_token_t place;
#else
  haddr_t place;
#endif
} identity;

typedef struct walk {
  dust_hdf5 *file;
  dust_h5_names datasets, hard, soft; /* hard, soft: groups to enter */
  size_t hard_done, soft_done;
  identity *entered;
  size_t entered_count, entered_capacity;
} walk;

static bool identify(identity *out, hid_t object) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info2_t info;
  if (H5Oget_info3(object, &info, H5O_INFO_BASIC) < 0) return false;
  memset(out, 0, sizeof *out);
  out->file = info.fileno, out->place = info.token;
#else
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) return false;
  memset(out, 0, sizeof *out);
  out->file = info.fileno, out->place = info.addr;
#endif
  return true;
}

/* *first: this group wasn't entered before; it is noted as entered. */
static dust_status enter_once(walk *w, hid_t group, bool *first) {
  identity id;
  *first = false;
  if (!identify(&id, group)) return DUST_OK;
  for (size_t i = 0; i < w->entered_count; i++)
    if (memcmp(&w->entered[i], &id, sizeof id) == 0) return DUST_OK;
  if (w->entered_count == w->entered_capacity) {
    size_t capacity = w->entered_capacity ? 2 * w->entered_capacity : 16;
    void *grown = w->entered;
    DUST_TRY(dust_realloc(&grown, capacity * sizeof *w->entered));
    w->entered = grown, w->entered_capacity = capacity;
  }
  w->entered[w->entered_count++] = id;
  *first = true;
  return DUST_OK;
}

/* Puts one child on the list that it belongs to. */
static dust_status sort_child(walk *w, hid_t group, const char *group_name, const char *link, bool hard) {
  if (!hard && H5Oexists_by_name(group, link, H5P_DEFAULT) <= 0) return DUST_OK;
  hid_t object = H5Oopen(group, link, H5P_DEFAULT);
  if (object < 0 && !hard) return DUST_OK;
  if (object < 0) return dust_h5_fail(w->file, "opening", link);
  H5I_type_t kind = H5Iget_type(object);
  H5Oclose(object);
  if (strlen(group_name) + strlen(link) + 2 > DUST_HDF5_NAME) return DUST_OK; /* can't be asked for by that name either */
  if (kind == H5I_DATASET) return dust_h5_names_add(&w->datasets, group_name, link);
  return kind == H5I_GROUP ? dust_h5_names_add(hard ? &w->hard : &w->soft, group_name, link) : DUST_OK;
}

static dust_status walk_links(walk *w, hid_t group, const char *name) {
  links found;
  dust_status status;
  DUST_GO(links_of(&found, w->file, group, name));
  for (size_t i = 0; i < found.hard.count; i++) DUST_GO(sort_child(w, group, name, found.hard.name[i], true));
  for (size_t i = 0; i < found.soft.count; i++) DUST_GO(sort_child(w, group, name, found.soft.name[i], false));
done:
  links_release(&found);
  return status;
}

static dust_status walk_group(walk *w, const char *name) {
  bool first;
  hid_t group = H5Gopen2(w->file->id, dust_h5_object(name), H5P_DEFAULT);
  if (group < 0) return dust_h5_fail(w->file, "opening group", name);
  dust_status status = enter_once(w, group, &first);
  if (status == DUST_OK && first) status = walk_links(w, group, name);
  H5Gclose(group);
  return status;
}

dust_status dust_h5_dataset_names(dust_h5_names *out, dust_hdf5 *file) {
  walk w = {.file = file};
  dust_status status;
  DUST_GO(walk_group(&w, ""));
  while (w.hard_done < w.hard.count || w.soft_done < w.soft.count)
    DUST_GO(walk_group(&w, w.hard_done < w.hard.count ? w.hard.name[w.hard_done++] : w.soft.name[w.soft_done++]));
  if (w.datasets.count) qsort(w.datasets.name, w.datasets.count, sizeof(char *), by_name);
  *out = w.datasets;
done:
  if (status != DUST_OK) dust_h5_names_release(&w.datasets);
  dust_h5_names_release(&w.hard), dust_h5_names_release(&w.soft);
  dust_free(w.entered);
  return status;
}

/* ---- all infos */

static dust_status info_of(dust_hdf5_info *out, dust_hdf5 *file, const char *clean) {
  hid_t dataset = H5Dopen2(file->id, clean, H5P_DEFAULT);
  if (dataset < 0) return dust_h5_fail(file, "opening dataset", clean);
  dust_status status = dust_h5_info(out, file, clean, dataset);
  H5Dclose(dataset);
  return status;
}

static dust_status list(dust_hdf5_info **out, size_t *count, dust_hdf5 *file) {
  dust_h5_names names = {0};
  void *block = NULL;
  size_t done = 0;
  dust_status status;
  DUST_GO(dust_h5_dataset_names(&names, file));
  DUST_GO(dust_calloc(&block, names.count, sizeof **out));
  for (; done < names.count; done++) DUST_GO(info_of((dust_hdf5_info *)block + done, file, names.name[done]));
  *out = block, *count = names.count;
done:
  if (status != DUST_OK) dust_hdf5_list_release(block, done);
  dust_h5_names_release(&names);
  return status;
}

dust_status dust_hdf5_list(dust_hdf5_info **out, size_t *count, dust_hdf5 *file) { DUST_H5_CALL(list(out, count, file)); }

void dust_hdf5_list_release(dust_hdf5_info *infos, size_t count) {
  for (size_t i = 0; infos && i < count; i++) dust_hdf5_info_release(&infos[i]);
  dust_free(infos);
}
