/* What to say when a name leads to no dataset: the nearest name there is, what a group holds, where a broken link points. */
#include <stdio.h>
#include <string.h>
#include "store/hdf5_internal.h"

#define SAID_AT_MOST 8 /* names in a message */

static const char *last_part(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash ? slash + 1 : name;
}

/* Levenshtein's distance of the first 63 bytes. */
static size_t distance(const char *a, const char *b) {
  size_t row[64], n = strnlen(b, 63);
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 0; a[i] && i < 63; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 1; j <= n; j++) {
      size_t change = diagonal + (a[i] != b[j - 1]);
      diagonal = row[j];
      size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = change < shift ? change : shift;
    }
  }
  return row[n];
}

/* Index of the name that may have been meant: the same last part somewhere else, or few letters away; count when none comes near.
 * */
static size_t nearest(const dust_h5_names *names, const char *wanted) {
  size_t best = names->count, best_distance = strlen(wanted) / 3 + 2;
  for (size_t i = 0; i < names->count; i++) {
    size_t whole = distance(wanted, names->name[i]), part = distance(last_part(wanted), last_part(names->name[i]));
    if (part == 0 && whole > 1) whole = 1;
    if (whole < best_distance) best = i, best_distance = whole;
  }
  return best;
}

/* "a, b, c and 4 more" */
static void join(char *text, size_t size, char *const *name, size_t count) {
  size_t at = 0;
  text[0] = 0;
  for (size_t i = 0; i < count && at < size; i++) {
    if (i == SAID_AT_MOST || at + strlen(name[i]) + 32 > size) {
      snprintf(text + at, size - at, " and %zu more", count - i);
      return;
    }
    at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", name[i]);
  }
}

/* Says where the name's last link points if it is a link that leads nowhere. */
bool dust_h5_fail_link(dust_hdf5 *file, const char *clean) {
  char to[512];
  H5L_info_t link;
  char parent[DUST_HDF5_NAME];
  snprintf(parent, sizeof parent, "%.*s", (int)(last_part(clean) - clean), clean);
  if (parent[0]) parent[strlen(parent) - 1] = 0;
  if (!dust_h5_exists(file, parent) || H5Lexists(file->id, clean, file->link_access) <= 0) return false;
  if (H5Lget_info(file->id, clean, &link, file->link_access) < 0 || link.type == H5L_TYPE_HARD || link.u.val_size >= sizeof to) return false;
  memset(to, 0, sizeof to);
  if (H5Lget_val(file->id, clean, to, sizeof to, file->link_access) < 0) return false;
  const char *other = NULL, *object = to;
  if (link.type == H5L_TYPE_EXTERNAL && H5Lunpack_elink_val(to, link.u.val_size, NULL, &other, &object) < 0) return false;
  if (other && !file->foreign)
    dust_fail(DUST_ERROR_WORLD,
              "%s: '%s' is a link to '%s' in another file, %s, and such are followed only when that is allowed: `--allow-foreign`, "
              "allow_foreign = true",
              file->path, clean, object, other);
  else if (other)
    dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a link to '%s' in the file %s, which isn't there", file->path, clean, object, other);
  else
    dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a link to '%s', which isn't there", file->path, clean, object);
  return true;
}

dust_status dust_h5_fail_missing(dust_hdf5 *file, const char *clean) {
  dust_h5_names names = {0};
  char all[600], refused[256];
  if (dust_h5_failed_below()) return dust_h5_fail(file, "looking for", clean);
  snprintf(refused, sizeof refused, "%s", file->refused);
  if (dust_h5_fail_link(file, clean)) return DUST_ERROR_WORLD;
  if (refused[0])
    return dust_fail(DUST_ERROR_WORLD, "%s: '%s' leads into another file, %s, and such are read only when that is allowed: `--allow-foreign`, allow_foreign = true",
                     file->path, clean, refused);
  dust_status status = dust_h5_dataset_names(&names, file);
  if (status == DUST_ERROR_MEMORY) return status;
  size_t best = nearest(&names, clean);
  join(all, sizeof all, names.name, names.count);
  if (status != DUST_OK)
    dust_fail(DUST_ERROR_WORLD, "%s: no dataset '%s'", file->path, clean);
  else if (names.count == 0)
    dust_fail(DUST_ERROR_WORLD, "%s: no dataset '%s' (the file has no datasets)", file->path, clean);
  else if (best < names.count)
    dust_fail(DUST_ERROR_WORLD, "%s: no dataset '%s': did you mean '%s'?", file->path, clean, names.name[best]);
  else
    dust_fail(DUST_ERROR_WORLD, "%s: no dataset '%s': the file has %s", file->path, clean, all);
  dust_h5_names_release(&names);
  return DUST_ERROR_WORLD;
}

/* Not names_add: the links' names as HDF5 gives them are enough for a message. */
typedef struct members {
  char text[600];
  size_t at, count;
} members;

static herr_t add_member(hid_t group, const char *name, const H5L_info_t *link, void *context) {
  members *m = context;
  if (m->count++ >= SAID_AT_MOST || m->at + strlen(name) + 32 > sizeof m->text) return 0;
  m->at += (size_t)snprintf(m->text + m->at, sizeof m->text - m->at, "%s%s", m->at ? ", " : "", name);
  return 0;
}

dust_status dust_h5_fail_group(dust_hdf5 *file, const char *clean) {
  members m = {.text = ""};
  hsize_t next = 0;
  hid_t group = H5Gopen2(file->id, dust_h5_object(clean), H5P_DEFAULT);
  if (group >= 0) H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &next, add_member, &m), H5Gclose(group);
  if (m.count == 0) return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is an empty group, not a dataset", file->path, dust_h5_object(clean));
  return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a group, not a dataset; it holds %s%s", file->path, dust_h5_object(clean), m.text,
                   m.count > SAID_AT_MOST ? " and more" : "");
}
