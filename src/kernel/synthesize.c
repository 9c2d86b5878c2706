/* A synthetic volume: a scene, drawn plane by plane on the pool, and the list of its synapses (see synthesize.h). */
#include "kernel/synthesize.h"

#include <math.h>
#include <string.h>
#include "kernel/synthesize_scene.h"

#define SITE_DEPTH 35.0f /* nm from the border between two cells to a synaptic site */

typedef struct drawing {
  const dust_scene *scene;
  dust_synthesis *out;
} drawing;

static dust_status draw_planes(void *context, size_t begin, size_t end, size_t chunk) {
  const drawing *job = context;
  const dust_synthesis_options *o = &job->scene->options;
  const size_t pixels = (size_t)(o->shape[1] * o->shape[2]);
  for (size_t plane = begin; plane < end; plane++)
    DUST_TRY(dust_scene_draw_plane(job->scene, o->first + (int64_t)plane, (uint8_t *)job->out->raw.data + plane * pixels,
                                   (uint64_t *)(void *)job->out->neuron_ids.data + plane * pixels,
                                   (uint8_t *)job->out->organelles.data + plane * pixels));
  return DUST_OK;
}

/* World position of the site of `cell` for its synapse; false when outside of the volume. */
static bool site_of(const dust_scene *scene, const dust_cell *cell, const dust_cell *other, const float border[3], double world[3]) {
  float place[3], length = 0;
  for (int d = 0; d < 3; d++) length += (cell->at[d] - other->at[d]) * (cell->at[d] - other->at[d]);
  for (int d = 0; d < 3; d++) place[d] = border[d] + SITE_DEPTH * (cell->at[d] - other->at[d]) / sqrtf(length);
  dust_scene_unwarp(scene, place, world);
  for (int d = 0; d < 3; d++)
    if (!(world[d] >= 0 && world[d] < (double)scene->options.shape[d] * (double)scene->options.voxel_size[d])) return false;
  return true;
}

/* Counts the synapses with both sites inside; with `out` made, writes them. */
static int64_t list_synapses(const dust_scene *scene, dust_synthesis *out) {
  const int64_t cells = scene->count[0] * scene->count[1] * scene->count[2];
  int64_t n = 0;
  for (int64_t i = 0; i < cells; i++) {
    const dust_cell *pre = &scene->cell[i];
    if (pre->synapse_reach <= 0) continue;
    const dust_cell *post = &scene->cell[pre->synapse_post];
    double site[2][3];
    if (!site_of(scene, pre, post, pre->synapse_at, site[0]) || !site_of(scene, post, pre, pre->synapse_at, site[1])) continue;
    if (out) {
      memcpy((double *)(void *)out->locations.data + 6 * n, site, sizeof site);
      for (int k = 0; k < 2; k++) {
        ((uint64_t *)(void *)out->ids.data)[2 * n + k] = ((uint64_t *)(void *)out->partners.data)[2 * n + k] = (uint64_t)(2 * n + k + 1);
        ((uint8_t *)out->types.data)[2 * n + k] = (uint8_t)(k + 1);
      }
    }
    n++;
  }
  return n;
}

static dust_status annotate(dust_synthesis *out, const dust_scene *scene) {
  const int64_t n = list_synapses(scene, NULL), sites[2] = {2 * n, 3}, pairs[2] = {n, 2};
  DUST_TRY(dust_ndarray_empty(&out->locations, DUST_FLOAT64, 2, sites));
  DUST_TRY(dust_ndarray_empty(&out->ids, DUST_UINT64, 1, sites));
  DUST_TRY(dust_ndarray_empty(&out->types, DUST_UINT8, 1, sites));
  DUST_TRY(dust_ndarray_empty(&out->partners, DUST_UINT64, 2, pairs));
  list_synapses(scene, out);
  return DUST_OK;
}

static dust_status check_options(const dust_synthesis_options *o) {
  for (int d = 0; d < 3; d++) {
    if (o->shape[d] < 1)
      return dust_fail(DUST_ERROR_ARGUMENT, "shape of a synthetic volume: axis %d has %lld voxels, at least 1 is needed", d + 1,
                       (long long)o->shape[d]);
    if (o->voxel_size[d] < 1 || o->voxel_size[d] > 1000000)
      return dust_fail(DUST_ERROR_ARGUMENT, "voxel size of a synthetic volume: axis %d has %lld, which must be 1 to 1000000 nm", d + 1,
                       (long long)o->voxel_size[d]);
    if (o->shape[d] > INT64_C(1) << 31)
      return dust_fail(DUST_ERROR_ARGUMENT, "shape of a synthetic volume: axis %d has %lld voxels, at most 2^31 are possible", d + 1,
                       (long long)o->shape[d]);
  }
  if (o->first < 0 || o->planes < 1 || o->first > o->shape[0] - o->planes)
    return dust_fail(DUST_ERROR_RANGE, "planes %lld to %lld of a synthetic volume of %lld", (long long)o->first + 1,
                     (long long)o->first + (long long)o->planes, (long long)o->shape[0]);
  return DUST_OK;
}

dust_status dust_synthesize_volume(dust_synthesis *out, const dust_synthesis_options *options, dust_pool *pool) {
  dust_status status;
  dust_scene scene = {.cell = NULL};
  drawing job = {&scene, out};
  memset(out, 0, sizeof *out);
  DUST_TRY(check_options(options));
  const int64_t shape[3] = {options->planes, options->shape[1], options->shape[2]};
  DUST_GO(dust_ndarray_empty(&out->raw, DUST_UINT8, 3, shape));
  DUST_GO(dust_ndarray_empty(&out->neuron_ids, DUST_UINT64, 3, shape));
  DUST_GO(dust_ndarray_empty(&out->organelles, DUST_UINT8, 3, shape));
  DUST_GO(dust_scene_create(&scene, options));
  DUST_GO(annotate(out, &scene));
  DUST_GO(dust_pool_for(pool, (size_t)options->planes, 1, draw_planes, &job));
done:
  dust_scene_release(&scene);
  if (status != DUST_OK) dust_synthesis_release(out);
  return status;
}

void dust_synthesis_release(dust_synthesis *synthesis) {
  dust_ndarray *const all[] = {&synthesis->raw, &synthesis->neuron_ids, &synthesis->organelles, &synthesis->locations,
                               &synthesis->ids, &synthesis->types,      &synthesis->partners};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) dust_ndarray_release(all[i]);
}
