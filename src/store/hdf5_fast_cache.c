/* Decoded chunks of a file: random boxes overlap, and a chunk is dear to inflate.
 *
 *     bucket[hash] -> entry -> entry           by dataset and number of chunk
 *     newest <-> … <-> oldest                  by use; the oldest goes first
 *
 * Never more than DUST_H5_CACHE_BYTES, headers counted. A read keeps either all of its chunks or none, so what it uses is never evicted by what it adds.
 * A victim of the right size is taken over with its block: the memory of one chunk is the next one's, without a page fault.
 */
#include "store/hdf5_fast_internal.h"

static dust_h5_decoded **bucket_of(dust_h5_cache *cache, uint64_t dataset, int64_t chunk) {
  uint64_t mixed = ((uint64_t)chunk + dataset * 0x9e3779b97f4a7c15u) * 0xd1342543de82ef95u;
  return &cache->bucket[mixed >> 54];
}

_Static_assert(DUST_H5_CACHE_BUCKETS == 1 << 10, "bucket_of keeps ten bits");

static void unlink_use(dust_h5_cache *cache, dust_h5_decoded *entry) {
  *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
  *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void link_newest(dust_h5_cache *cache, dust_h5_decoded *entry) {
  entry->newer = NULL, entry->older = cache->newest;
  *(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
  cache->newest = entry;
}

/* Takes the entry out of everything; it is the caller's then. */
static void detach(dust_h5_cache *cache, dust_h5_decoded *entry) {
  dust_h5_decoded **link = bucket_of(cache, entry->dataset, entry->chunk);
  while (*link != entry) link = &(*link)->next;
  *link = entry->next;
  unlink_use(cache, entry);
  cache->bytes -= sizeof *entry + entry->size;
  cache->count--;
}

static void attach(dust_h5_cache *cache, dust_h5_decoded *entry) {
  dust_h5_decoded **bucket = bucket_of(cache, entry->dataset, entry->chunk);
  entry->next = *bucket;
  *bucket = entry;
  link_newest(cache, entry);
  cache->bytes += sizeof *entry + entry->size;
  cache->count++;
}

bool dust_h5_cache_holds(int64_t chunks, size_t size) { return (size_t)chunks <= DUST_H5_CACHE_BYTES / (sizeof(dust_h5_decoded) + size); }

dust_h5_decoded *dust_h5_cache_find(dust_h5_cache *cache, uint64_t dataset, int64_t chunk) {
  dust_h5_decoded *entry = *bucket_of(cache, dataset, chunk);
  while (entry && (entry->dataset != dataset || entry->chunk != chunk)) entry = entry->next;
  if (!entry) return NULL;
  unlink_use(cache, entry), link_newest(cache, entry);
  return entry;
}

/* Evicts until an entry of `size` bytes fits. A last victim of that size comes back in *block. */
static void make_room(dust_h5_cache *cache, size_t size, dust_h5_decoded **block) {
  size_t wanted = sizeof **block + size;
  while (cache->oldest && wanted > DUST_H5_CACHE_BYTES - cache->bytes) {
    dust_h5_decoded *victim = cache->oldest;
    detach(cache, victim);
    dust_free(*block);
    *block = victim;
  }
  if (*block && (*block)->size != size) dust_free(*block), *block = NULL;
}

dust_status dust_h5_cache_reserve(dust_h5_decoded **out, dust_h5_cache *cache, uint64_t dataset, int64_t chunk, size_t size) {
  dust_h5_decoded *entry = NULL;
  make_room(cache, size, &entry);
  if (!entry) {
    void *block = NULL;
    DUST_TRY(dust_alloc(&block, sizeof *entry + size));
    entry = block;
  }
  *entry = (dust_h5_decoded){.dataset = dataset, .chunk = chunk, .size = size};
  attach(cache, entry);
  *out = entry;
  return DUST_OK;
}

void dust_h5_cache_drop(dust_h5_cache *cache, dust_h5_decoded *entry) {
  detach(cache, entry);
  dust_free(entry);
}

void dust_h5_cache_forget(dust_h5_cache *cache, uint64_t dataset) {
  for (dust_h5_decoded *entry = cache->newest, *older; entry; entry = older) {
    older = entry->older;
    if (entry->dataset == dataset) dust_h5_cache_drop(cache, entry);
  }
}

void dust_h5_cache_release(dust_h5_cache *cache) {
  while (cache->newest) dust_h5_cache_drop(cache, cache->newest);
}
