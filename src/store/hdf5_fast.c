/* Boxes of simple datasets, chunks in parallel.
 *
 * A batch: up to DUST_H5_BATCH of the box's chunks, in C order. Looking up, asking HDF5 and making room happen on the calling thread; then each chunk is one task, which writes its part of the box and its
 * own entry of the cache and nothing else.
 */
#include <pthread.h>
#include <stdint.h>
#include "store/hdf5_fast_internal.h"

#define MOST_RAW (DUST_H5_CACHE_BYTES / 4) /* bytes that HDF5 reads for one batch, beyond which no chunk is added */
#define MOST_EXPECTED ((size_t)32 << 20)   /* bytes of chunks that the system is told of at once */
#define GRAIN ((size_t)32 << 10)           /* bytes of chunks worth a thread's attention */
#define SLAB ((size_t)1 << 20)             /* bytes of a contiguous dataset, likewise */

typedef struct task {
  int64_t number, begin[DUST_MAXDIM]; /* the chunk's, and its first voxel */
  dust_h5_place place;
  dust_h5_decoded *entry; /* NULL: never written, stored as it is, or not to be kept */
  void *raw;              /* NULL: to be read by us */
} task;

typedef struct reader {
  dust_h5_source source;
  dust_hdf5 *file;
  dust_h5_fast *fast;
  hid_t dataset;
  const int64_t *begin, *shape;
  char *out;
  int64_t first[DUST_MAXDIM], chunks[DUST_MAXDIM]; /* of the box: its first chunk, how many along each axis */
  bool keeps; /* decoded chunks; not where the cache can't hold all of the box's, since the first would be gone before anyone comes back */
  int slab_axis;
  size_t tasks;
  task task[DUST_H5_BATCH];
  pthread_mutex_t lock; /* of idle */
  dust_h5_scratch *idle;
} reader;

/* ---- scratch blocks: as many as threads came */

static dust_status take_scratch(dust_h5_scratch **out, reader *r) {
  pthread_mutex_lock(&r->lock);
  dust_h5_scratch *scratch = r->idle;
  if (scratch) r->idle = scratch->next;
  pthread_mutex_unlock(&r->lock);
  void *block = scratch;
  if (!scratch) DUST_TRY(dust_calloc(&block, 1, sizeof *scratch));
  *out = block;
  return DUST_OK;
}

static void give_scratch(reader *r, dust_h5_scratch *scratch) {
  pthread_mutex_lock(&r->lock);
  scratch->next = r->idle;
  r->idle = scratch;
  pthread_mutex_unlock(&r->lock);
}

static void reader_end(reader *r) {
  for (dust_h5_scratch *scratch = r->idle, *next; scratch; scratch = next) {
    next = scratch->next;
    dust_h5_scratch_release(scratch);
    dust_free(scratch);
  }
  pthread_mutex_destroy(&r->lock);
}

/* ---- one chunk */

/* The part of the box that lies in the chunk. */
static dust_h5_box part_of(const reader *r, const task *t) {
  dust_h5_box box = {.ndim = r->fast->ndim, .item = r->fast->item};
  for (int d = 0; d < box.ndim; d++) {
    const int64_t chunk_end = t->begin[d] + r->fast->chunk[d], box_end = r->begin[d] + r->shape[d];
    const int64_t begin = t->begin[d] > r->begin[d] ? t->begin[d] : r->begin[d], end = chunk_end < box_end ? chunk_end : box_end;
    box.shape[d] = end - begin;
    box.in_extent[d] = r->fast->chunk[d], box.in_begin[d] = begin - t->begin[d];
    box.out_extent[d] = r->shape[d], box.out_begin[d] = begin - r->begin[d];
  }
  return box;
}

static dust_status run_task(reader *r, dust_h5_scratch *scratch, task *t) {
  const dust_h5_box box = part_of(r, t);
  if (!t->entry) {
    if (t->place.address == HADDR_UNDEF) return dust_h5_fill_box(r->out, r->fast->fill, &box), DUST_OK;
    if (!dust_h5_is_plain(r->fast, &t->place)) return dust_h5_decode_box(&r->source, scratch, &t->place, t->raw, t->begin, r->out, &box);
    if (!t->raw) return dust_h5_read_plain(&r->source, scratch, t->place.address, r->out, &box);
    return dust_h5_copy_box(r->out, t->raw, &box), DUST_OK;
  }
  if (!t->entry->ready) DUST_TRY(dust_h5_decode(&r->source, scratch, &t->place, t->raw, t->begin, t->entry->bytes));
  t->entry->ready = true;
  dust_h5_copy_box(r->out, t->entry->bytes, &box);
  return DUST_OK;
}

static dust_status run_tasks(void *context, size_t begin, size_t end, size_t chunk) {
  reader *r = context;
  dust_h5_scratch *scratch;
  dust_status status = DUST_OK;
  DUST_TRY(take_scratch(&scratch, r));
  for (size_t i = begin; i < end && status == DUST_OK; i++) status = run_task(r, scratch, &r->task[i]);
  give_scratch(r, scratch);
  return status;
}

/* ---- one batch */

/* Chunk number `index` of the box, in C order. */
static void set_task(reader *r, task *t, int64_t index) {
  int64_t at[DUST_MAXDIM] = {0};
  *t = (task){0};
  for (int d = r->fast->ndim - 1; d >= 0; d--) {
    at[d] = r->first[d] + index % r->chunks[d];
    index /= r->chunks[d];
    t->begin[d] = at[d] * r->fast->chunk[d];
  }
  for (int d = 0; d < r->fast->ndim; d++) t->number = t->number * r->fast->grid[d] + at[d];
  t->entry = dust_h5_cache_find(&r->file->cache, r->fast->serial, t->number);
  const dust_h5_place *place = dust_h5_known_place(r->fast, t->number);
  if (place) t->place = *place;
}

static bool is_unknown(const task *t) { return !t->entry && !t->place.known; }

/* Asks HDF5 what isn't known; leaves out what would be too much at once. */
static dust_status ask_hdf5(reader *r) {
  size_t raw = 0;
  for (size_t i = 0; i < r->tasks; i++) {
    task *t = &r->task[i];
    if (!is_unknown(t)) continue;
    if (r->fast->places) {
      DUST_TRY(dust_h5_find_place(&t->place, r->file, r->source.name, r->dataset, r->fast, t->number, t->begin));
      continue;
    }
    if (raw > MOST_RAW) return r->tasks = i, DUST_OK;
    DUST_TRY(dust_h5_raw_chunk(&t->raw, &t->place, r->file, r->source.name, r->dataset, r->fast, t->begin));
    raw += t->place.size;
  }
  return DUST_OK;
}

static dust_status look_up(reader *r) {
  bool unknown = false;
  for (size_t i = 0; i < r->tasks && !unknown; i++) unknown = is_unknown(&r->task[i]);
  if (!unknown) return DUST_OK;
  DUST_H5_CALL(ask_hdf5(r));
}

/* Room for each chunk to decode and keep. */
static dust_status make_room(reader *r, bool *declined) {
  for (size_t i = 0; i < r->tasks; i++) {
    task *t = &r->task[i];
    if (t->entry) continue;
    if (!dust_h5_sound_place(r->fast, &t->place)) return *declined = true, DUST_OK;
    if (!r->keeps || t->place.address == HADDR_UNDEF || dust_h5_is_plain(r->fast, &t->place)) continue;
    DUST_TRY(dust_h5_cache_reserve(&t->entry, &r->file->cache, r->fast->serial, t->number, r->fast->chunk_bytes));
  }
  return DUST_OK;
}

static void count_chunks(reader *r) {
  for (size_t i = 0; i < r->tasks; i++) {
    const task *t = &r->task[i];
    if (t->entry && t->entry->ready)
      r->file->counts.reused++;
    else if (t->place.address != HADDR_UNDEF && !dust_h5_is_plain(r->fast, &t->place))
      r->file->counts.decoded++;
  }
}

/* Chunks lie in the order of writing, which need not be that of reading. */
static void expect_chunks(const reader *r) {
  size_t expected = 0;
  for (size_t i = 0; i < r->tasks && expected < MOST_EXPECTED; i++) {
    const task *t = &r->task[i];
    if (r->fast->descriptor < 0 || t->raw || t->place.address == HADDR_UNDEF || (t->entry && t->entry->ready)) continue;
    dust_h5_expect(&r->source, t->place.address, t->place.size);
    expected += t->place.size;
  }
}

static dust_status run_batch(reader *r, bool *declined) {
  const size_t set = r->tasks, grain = GRAIN / r->fast->chunk_bytes;
  dust_status status;
  DUST_GO(look_up(r));
  DUST_GO(make_room(r, declined));
  if (*declined) goto done;
  count_chunks(r);
  expect_chunks(r);
  status = dust_pool_for(r->file->pool, r->tasks, grain ? grain : 1, run_tasks, r);
done:
  for (size_t i = 0; i < set; i++) {
    task *t = &r->task[i];
    dust_free(t->raw);
    if (i < r->tasks && t->entry && !t->entry->ready) dust_h5_cache_drop(&r->file->cache, t->entry);
  }
  return status;
}

static dust_status read_chunks(reader *r, bool *declined) {
  int64_t total = 1;
  dust_status status = DUST_OK;
  for (int d = 0; d < r->fast->ndim; d++) {
    r->first[d] = r->begin[d] / r->fast->chunk[d];
    r->chunks[d] = (r->begin[d] + r->shape[d] - 1) / r->fast->chunk[d] - r->first[d] + 1;
    total *= r->chunks[d];
  }
  r->keeps = dust_h5_cache_holds(total, r->fast->chunk_bytes);
  for (int64_t done = 0; done < total && status == DUST_OK && !*declined; done += (int64_t)r->tasks) {
    r->tasks = total - done < DUST_H5_BATCH ? (size_t)(total - done) : DUST_H5_BATCH;
    for (size_t i = 0; i < r->tasks; i++) set_task(r, &r->task[i], done + (int64_t)i);
    status = run_batch(r, declined);
  }
  return status;
}

/* ---- contiguous datasets: slabs along the first axis that has more than one place */

static dust_status read_slab(void *context, size_t begin, size_t end, size_t chunk) {
  reader *r = context;
  dust_h5_scratch *scratch;
  dust_h5_box box = {.ndim = r->fast->ndim, .item = r->fast->item};
  for (int d = 0; d < box.ndim; d++) {
    box.shape[d] = box.out_extent[d] = r->shape[d];
    box.in_extent[d] = r->fast->extent[d], box.in_begin[d] = r->begin[d];
  }
  box.shape[r->slab_axis] = (int64_t)(end - begin);
  box.in_begin[r->slab_axis] += (int64_t)begin, box.out_begin[r->slab_axis] = (int64_t)begin;
  DUST_TRY(take_scratch(&scratch, r));
  dust_status status = dust_h5_read_plain(&r->source, scratch, r->fast->address, r->out, &box);
  give_scratch(r, scratch);
  return status;
}

static dust_status read_contiguous(reader *r) {
  size_t bytes = r->fast->item;
  while (r->slab_axis < r->fast->ndim - 1 && r->shape[r->slab_axis] == 1) r->slab_axis++;
  for (int d = r->slab_axis + 1; d < r->fast->ndim; d++) bytes *= (size_t)r->shape[d];
  return dust_pool_for(r->file->pool, (size_t)r->shape[r->slab_axis], bytes < SLAB ? SLAB / bytes : 1, read_slab, r);
}

dust_status dust_h5_fast_read(dust_hdf5 *file, const dust_h5_open_dataset *dataset, const int64_t *begin, const int64_t *shape, char *out,
                              bool *declined) {
  reader r = {.source = {dataset->fast, file->path, dataset->name},
              .file = file,
              .fast = dataset->fast,
              .dataset = dataset->id,
              .begin = begin,
              .shape = shape,
              .out = out};
  pthread_mutex_init(&r.lock, NULL);
  dust_status status = r.fast->chunked ? read_chunks(&r, declined) : read_contiguous(&r);
  reader_end(&r);
  return status;
}
