/* Places the cells of a synthetic volume, joins them into neurons, gives them organelles and synapses (see synthesize_scene.h).
 * */
#include "kernel/synthesize_scene.h"

#include <math.h>
#include <string.h>
#include "base/mem.h"

const float dust_scene_warp_amplitude[SCENE_OCTAVES] = {95.0f, 34.0f};
static const double warp_spacing[SCENE_OCTAVES] = {500.0, 160.0};

enum { SEED_WARP = 1, SEED_CELL = 100, SEED_JOIN, SEED_ORGANELLE, SEED_SYNAPSE, SEED_TONE };

uint64_t dust_scene_seed(const dust_scene *scene, uint64_t purpose) {
  return dust_hash(scene->options.seed * UINT64_C(0x2545f4914f6cdd1d) + purpose);
}

static uint64_t place_hash(const dust_scene *scene, uint64_t purpose, const int64_t place[3]) {
  return dust_hash3(dust_scene_seed(scene, purpose), place[0], place[1], place[2]);
}

/* The next number of a thing's own little stream. */
static float next_uniform(uint64_t *stream) { return dust_hash_uniform(*stream = dust_hash(*stream)); }

static int64_t place_index(const dust_scene *scene, const int64_t place[3]) {
  int64_t index = 0;
  for (int d = 0; d < 3; d++) {
    const int64_t at = place[d] - scene->base[d];
    if (at < 0 || at >= scene->count[d]) return -1;
    index = index * scene->count[d] + at;
  }
  return index;
}

static void index_place(const dust_scene *scene, int64_t index, int64_t place[3]) {
  for (int d = 2; d >= 0; d--) {
    place[d] = index % scene->count[d] + scene->base[d];
    index /= scene->count[d];
  }
}

static int64_t cell_count(const dust_scene *scene) { return scene->count[0] * scene->count[1] * scene->count[2]; }

static void place_cell(const dust_scene *scene, dust_cell *cell, const int64_t place[3]) {
  uint64_t stream = place_hash(scene, SEED_CELL, place);
  memset(cell, 0, sizeof *cell);
  for (int d = 0; d < 3; d++) cell->at[d] = ((float)place[d] + 0.5f + 0.85f * (next_uniform(&stream) - 0.5f)) * SCENE_PITCH;
  const float size = next_uniform(&stream) - 0.5f;
  cell->weight = size * 0.5f * SCENE_PITCH * SCENE_PITCH;
}

/* Cells joined with a neighbour, mostly along z, make branching neurons: union-find, the smaller index being the root. */
static int32_t find_root(int32_t *parent, int32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

static void join_cells(const dust_scene *scene, int32_t *parent) {
  static const int8_t step[8][3] = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 1, 0}, {1, 0, 1}, {0, 1, 0}, {0, 0, 1}, {1, -1, 0}};
  for (int64_t i = 0; i < cell_count(scene); i++) {
    int64_t place[3];
    index_place(scene, i, place);
    uint64_t stream = place_hash(scene, SEED_JOIN, place);
    if (next_uniform(&stream) > 0.62f) continue;
    const int8_t *to = step[(int)(next_uniform(&stream) * 8)];
    for (int d = 0; d < 3; d++) place[d] += to[d];
    const int64_t other = place_index(scene, place);
    if (other < 0) continue;
    const int32_t a = find_root(parent, (int32_t)i), b = find_root(parent, (int32_t)other);
    if (a < b)
      parent[b] = a;
    else
      parent[a] = b;
  }
}

static dust_status name_neurons(dust_scene *scene) {
  const int64_t n = cell_count(scene);
  int32_t *parent = NULL, neurons = 0;
  DUST_TRY(dust_alloc((void **)&parent, (size_t)n * sizeof *parent));
  for (int32_t i = 0; i < n; i++) parent[i] = i;
  join_cells(scene, parent);
  for (int32_t i = 0; i < n; i++) {
    const int32_t root = find_root(parent, i); /* root <= i: it has its name already */
    dust_cell *cell = &scene->cell[i];
    cell->neuron = root == i ? ++neurons : scene->cell[root].neuron;
    uint64_t stream = dust_hash(dust_scene_seed(scene, SEED_TONE) + (uint64_t)cell->neuron);
    cell->tone = 0.028f * dust_hash_normal(stream);
    cell->vesicles = next_uniform(&stream) < 0.22f ? 0.24f : 0.012f;
  }
  dust_free(parent);
  return DUST_OK;
}

/* Rows of a rotation: a random long axis, leaning towards z as neurites do, and two across it. */
static void random_axes(uint64_t *stream, float axis[3][3]) {
  float v[3];
  for (int d = 0; d < 3; d++) v[d] = next_uniform(stream) - 0.5f;
  v[0] *= 1.6f;
  const float length = sqrtf(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) + 1e-6f;
  for (int d = 0; d < 3; d++) axis[0][d] = v[d] / length;
  const int small = fabsf(axis[0][1]) < fabsf(axis[0][2]) ? 1 : 2;
  float e[3] = {0, 0, 0};
  e[small] = 1;
  const float dot = axis[0][small];
  float across = 0;
  for (int d = 0; d < 3; d++) e[d] -= dot * axis[0][d], across += e[d] * e[d];
  for (int d = 0; d < 3; d++) axis[1][d] = e[d] / sqrtf(across);
  for (int d = 0; d < 3; d++) {
    const int j = (d + 1) % 3, k = (d + 2) % 3;
    axis[2][d] = axis[0][j] * axis[1][k] - axis[0][k] * axis[1][j];
  }
}

static void place_organelle(const dust_scene *scene, int64_t i) {
  dust_cell *cell = &scene->cell[i];
  int64_t place[3];
  index_place(scene, i, place);
  uint64_t stream = place_hash(scene, SEED_ORGANELLE, place);
  if (next_uniform(&stream) > 0.42f) return;
  for (int d = 0; d < 3; d++) cell->organelle_at[d] = cell->at[d] + 120.0f * (next_uniform(&stream) - 0.5f);
  random_axes(&stream, cell->organelle_axis);
  cell->organelle_radius[0] = 170.0f + 240.0f * next_uniform(&stream);
  cell->organelle_radius[1] = 85.0f + 70.0f * next_uniform(&stream);
  cell->organelle_radius[2] = cell->organelle_radius[1] * (0.8f + 0.3f * next_uniform(&stream));
  cell->organelle_reach = cell->organelle_radius[0];
}

static float power_of(const dust_cell *cell, const float place[3]) {
  float sum = -cell->weight;
  for (int d = 0; d < 3; d++) sum += (place[d] - cell->at[d]) * (place[d] - cell->at[d]);
  return sum;
}

/* Where the line between two seeds crosses their border, and whether that is a border there (no third cell is nearer). */
static bool border_between(const dust_scene *scene, int64_t i, int64_t j, float place[3]) {
  const dust_cell *a = &scene->cell[i], *b = &scene->cell[j];
  int32_t around[125];
  float squared = 0;
  for (int d = 0; d < 3; d++) squared += (b->at[d] - a->at[d]) * (b->at[d] - a->at[d]);
  const float t = 0.5f + (a->weight - b->weight) / (2.0f * squared);
  if (t < 0.1f || t > 0.9f) return false;
  for (int d = 0; d < 3; d++) place[d] = a->at[d] + t * (b->at[d] - a->at[d]);
  const float power = power_of(a, place);
  const int n = dust_scene_around(scene, place, around);
  for (int k = 0; k < n; k++)
    if (around[k] != i && around[k] != j && power_of(&scene->cell[around[k]], place) < power) return false;
  return true;
}

static void place_synapse(const dust_scene *scene, int64_t i) {
  dust_cell *cell = &scene->cell[i];
  int64_t place[3];
  index_place(scene, i, place);
  uint64_t stream = place_hash(scene, SEED_SYNAPSE, place);
  if (next_uniform(&stream) > 0.6f) return;
  const float side = next_uniform(&stream);
  place[1 + (side < 0.5f)] += next_uniform(&stream) < 0.5f ? 1 : -1;
  const int64_t other = place_index(scene, place);
  if (other < 0 || scene->cell[other].neuron == cell->neuron) return;
  if (!border_between(scene, i, other, cell->synapse_at)) return;
  cell->synapse_post = (int32_t)other;
  cell->synapse_reach = 75.0f + 60.0f * next_uniform(&stream);
}

/* The lattice covers the volume, as far as warping may carry a voxel out of it, and as far around that as a look goes. */
static dust_status size_lattice(dust_scene *scene) {
  const dust_synthesis_options *o = &scene->options;
  double places = 1;
  for (int d = 0; d < 3; d++) {
    const double scale = d == 0 ? SCENE_SQUEEZE : 1.0, margin = 4.0 * (dust_scene_warp_amplitude[0] + dust_scene_warp_amplitude[1]);
    const double end = ((double)o->shape[d] * (double)o->voxel_size[d] + margin) * scale;
    scene->base[d] = (int64_t)floor(-margin * scale / SCENE_PITCH) - SCENE_REACH - 1;
    scene->count[d] = (int64_t)ceil(end / SCENE_PITCH) + SCENE_REACH + 2 - scene->base[d];
    places *= (double)scene->count[d];
  }
  if (places > 1e8)
    return dust_fail(DUST_ERROR_MEMORY, "a synthetic volume of that size would hold %.0f cells; 100 million is the limit", places);
  return DUST_OK;
}

dust_status dust_scene_create(dust_scene *out, const dust_synthesis_options *options) {
  memset(out, 0, sizeof *out);
  out->options = *options;
  for (int d = 0; d < 3; d++)
    for (int k = 0; k < SCENE_OCTAVES; k++)
      out->warp[d][k] = (dust_field){dust_scene_seed(out, SEED_WARP + (uint64_t)(d * SCENE_OCTAVES + k)),
                                     {warp_spacing[k], warp_spacing[k], warp_spacing[k]}};
  DUST_TRY(size_lattice(out));
  const int64_t n = cell_count(out);
  DUST_TRY(dust_alloc((void **)&out->cell, (size_t)n * sizeof *out->cell));
  for (int64_t i = 0; i < n; i++) {
    int64_t place[3];
    index_place(out, i, place);
    place_cell(out, &out->cell[i], place);
  }
  dust_status status = name_neurons(out);
  for (int64_t i = 0; status == DUST_OK && i < n; i++) place_organelle(out, i), place_synapse(out, i);
  if (status != DUST_OK) dust_scene_release(out);
  return status;
}

void dust_scene_release(dust_scene *scene) {
  dust_free(scene->cell);
  scene->cell = NULL;
}

int dust_scene_around(const dust_scene *scene, const float place[3], int32_t *index) {
  int64_t from[3], to[3];
  for (int d = 0; d < 3; d++) {
    const int64_t at = (int64_t)floorf(place[d] / SCENE_PITCH) - scene->base[d];
    from[d] = at - SCENE_REACH < 0 ? 0 : at - SCENE_REACH;
    to[d] = at + SCENE_REACH >= scene->count[d] ? scene->count[d] - 1 : at + SCENE_REACH;
  }
  int n = 0;
  for (int64_t z = from[0]; z <= to[0]; z++)
    for (int64_t y = from[1]; y <= to[1]; y++)
      for (int64_t x = from[2]; x <= to[2]; x++) index[n++] = (int32_t)((z * scene->count[1] + y) * scene->count[2] + x);
  return n;
}

void dust_scene_unwarp(const dust_scene *scene, const float place[3], double world[3]) {
  const double target[3] = {place[0] / SCENE_SQUEEZE, place[1], place[2]};
  memcpy(world, target, sizeof target);
  for (int step = 0; step < 12; step++) { /* the warp is a contraction almost everywhere */
    double next[3];
    for (int d = 0; d < 3; d++) {
      next[d] = target[d];
      for (int k = 0; k < SCENE_OCTAVES; k++) next[d] -= dust_scene_warp_amplitude[k] * dust_field_at(&scene->warp[d][k], world);
    }
    for (int d = 0; d < 3; d++) world[d] += 0.7 * (next[d] - world[d]);
  }
}
