/* What is in a file: names and infos of all datasets, and what can't be opened.
 *
 * The walk keeps a list of groups to enter, those reached through hard links first, and enters each group once whatever the
 * number of its names: cycles of links end, a ladder of doubled links doesn't explode, and a group keeps its proper name rather
 * than an alias's. Datasets are listed under each name they have in the groups entered. What can't be opened hides nothing else.
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

typedef struct walk {
  dust_hdf5 *file;
  dust_h5_names datasets, hard, soft; /* hard, soft: groups to enter */
  dust_h5_names unreadable, problems; /* by the same index */
  size_t hard_done, soft_done;
  dust_h5_identity *entered;
  size_t entered_count, entered_capacity;
} walk;

/* *first: this group wasn't entered before; it is noted as entered. */
static dust_status enter_once(walk *w, hid_t group, bool *first) {
  dust_h5_identity id;
  *first = false;
  if (!dust_h5_identify(&id, group)) return DUST_OK;
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

/* Notes that an object can't be opened, and why (the current message, without the file's name); the walk goes on. */
static dust_status note_unreadable(walk *w, const char *group_name, const char *link) {
  const char *problem = dust_message(), *path = w->file->path;
  if (strncmp(problem, path, strlen(path)) == 0 && strncmp(problem + strlen(path), ": ", 2) == 0) problem += strlen(path) + 2;
  DUST_TRY(dust_h5_names_add(&w->problems, "", problem));
  return dust_h5_names_add(&w->unreadable, group_name, link);
}

/* Puts one child on the list that it belongs to. */
static dust_status sort_child(walk *w, hid_t group, const char *group_name, const char *link, bool hard) {
  char clean[DUST_HDF5_NAME];
  const size_t length = strlen(group_name) + strlen(link) + 2;
  if (length > DUST_HDF5_NAME) {
    dust_fail(DUST_ERROR_WORLD, "its path has %zu bytes, and at most %d are supported", length - 2 + !group_name[0], DUST_HDF5_NAME - 1);
    return note_unreadable(w, group_name, link);
  }
  strcpy(clean, group_name);
  if (clean[0]) strcat(clean, "/");
  strcat(clean, link);
  w->file->refused[0] = 0;
  if (!hard && H5Oexists_by_name(group, link, w->file->link_access) <= 0) {
    if (dust_h5_failed_below()) return dust_h5_fail(w->file, "looking for", clean);
    if (!dust_h5_fail_link(w->file, clean)) dust_fail(DUST_ERROR_WORLD, "a link that leads nowhere");
    return note_unreadable(w, group_name, link);
  }
  hid_t object = H5Oopen(group, link, w->file->link_access);
  if (object < 0) {
    dust_status status = dust_h5_fail(w->file, "opening", clean);
    return dust_h5_failed_below() ? status : note_unreadable(w, group_name, link);
  }
  H5I_type_t kind = H5Iget_type(object);
  H5Oclose(object);
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
  hid_t group = H5Oopen(w->file->id, dust_h5_object(name), w->file->link_access);
  if (group < 0) return dust_h5_fail(w->file, "opening group", name);
  dust_status status = enter_once(w, group, &first);
  if (status == DUST_OK && first) status = walk_links(w, group, name);
  H5Oclose(group);
  if (status == DUST_OK || status == DUST_ERROR_MEMORY || !name[0] || dust_h5_failed_below()) return status;
  return note_unreadable(w, "", name); /* a damaged group hides what it holds, nothing else */
}

static void walk_release(walk *w) {
  dust_h5_names_release(&w->datasets), dust_h5_names_release(&w->hard), dust_h5_names_release(&w->soft);
  dust_h5_names_release(&w->unreadable), dust_h5_names_release(&w->problems);
  dust_free(w->entered);
}

static dust_status walk_file(walk *w) {
  DUST_TRY(walk_group(w, ""));
  while (w->hard_done < w->hard.count || w->soft_done < w->soft.count)
    DUST_TRY(walk_group(w, w->hard_done < w->hard.count ? w->hard.name[w->hard_done++] : w->soft.name[w->soft_done++]));
  if (w->datasets.count) qsort(w->datasets.name, w->datasets.count, sizeof(char *), by_name);
  return DUST_OK;
}

dust_status dust_h5_dataset_names(dust_h5_names *out, dust_hdf5 *file) {
  walk w = {.file = file};
  dust_status status = walk_file(&w);
  if (status == DUST_OK) *out = w.datasets, w.datasets = (dust_h5_names){0};
  walk_release(&w);
  return status;
}

/* ---- all infos */

/* A dataset that can't be made sense of is told as such. */
static dust_status info_of(dust_hdf5_info *out, dust_hdf5 *file, const char *clean) {
  hid_t dataset = H5Dopen2(file->id, clean, file->dataset_access);
  dust_status status = dataset < 0 ? dust_h5_fail(file, "opening dataset", clean) : dust_h5_info(out, file, clean, dataset);
  if (dataset >= 0) H5Dclose(dataset);
  if (status == DUST_OK || status == DUST_ERROR_MEMORY || dust_h5_failed_below()) return status;
  return dust_h5_unreadable(out, clean, dust_message());
}

static dust_status list(dust_hdf5_info **out, size_t *count, dust_hdf5 *file) {
  walk w = {.file = file};
  void *block = NULL;
  size_t done = 0;
  dust_status status;
  DUST_GO(walk_file(&w));
  DUST_GO(dust_calloc(&block, w.datasets.count + w.unreadable.count, sizeof **out));
  for (size_t i = 0; i < w.datasets.count; i++, done++) DUST_GO(info_of((dust_hdf5_info *)block + done, file, w.datasets.name[i]));
  for (size_t i = 0; i < w.unreadable.count; i++, done++)
    DUST_GO(dust_h5_unreadable((dust_hdf5_info *)block + done, w.unreadable.name[i], w.problems.name[i]));
  *out = block, *count = done;
done:
  if (status != DUST_OK) dust_hdf5_list_release(block, done);
  walk_release(&w);
  return status;
}

dust_status dust_hdf5_list(dust_hdf5_info **out, size_t *count, dust_hdf5 *file) { DUST_H5_CALL(list(out, count, file)); }

void dust_hdf5_list_release(dust_hdf5_info *infos, size_t count) {
  for (size_t i = 0; infos && i < count; i++) dust_hdf5_info_release(&infos[i]);
  dust_free(infos);
}
