/* Draws one section of a synthetic volume.
 *
 *     positions of 8 rows (warped) -> blocks of 8 x 8 voxels: which cells matter here -> each voxel: cell, distance to its membrane, organelle, brightness
 *     -> grain of the cytoplasm -> vesicles and microtubules, stamped where there is room -> blur -> shading, section brightness, noise -> uint8
 *
 * Brightness is 0 (black) to 1. A membrane that is slanted to the section is smeared over as much of it as the section is thick.
 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/synthesize_scene.h"

#define BLOCK 8
#define NEAR_MAX 125

enum { SEED_SECTION = 200, SEED_GRAIN_FINE, SEED_GRAIN_COARSE, SEED_SHADING, SEED_VESICLES, SEED_TUBULES, SEED_PIXEL };
enum { KIND_CYTOPLASM, KIND_ORGANELLE, KIND_RELEASE };

#define BASE_LIGHT 0.66f
#define MEMBRANE_SIGMA 7.0f /* nm, of one membrane cut at a right angle */
#define MEMBRANE_DEPTH 0.40f
#define MEMBRANE_APART 4.0f /* nm from the border between two cells to the middle of a membrane */
#define ORGANELLE_GAP 24.0f /* nm between an organelle and its cell's membrane */

typedef struct section {
  const dust_scene *scene;
  int64_t height, width;
  double z, shift[2]; /* world; sections are never stacked perfectly */
  float *light, *distance;
  int32_t *cell; /* lattice index */
  uint8_t *kind;
  float *position[3]; /* scene units, BLOCK rows */
  dust_field_plane warp[3][SCENE_OCTAVES], fine, coarse, shading;
} section;

/* ---- which cells matter in a block */

typedef struct block {
  int cells, organelles, synapses;
  int32_t cell[NEAR_MAX], organelle[NEAR_MAX], synapse[NEAR_MAX];
} block;

static float distance_to(const float a[3], const float b[3]) {
  return sqrtf((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

static float power_within(const dust_cell *cell, float distance) { return distance * fabsf(distance) - cell->weight; }

/* No voxel within `radius` of `centre` can have as nearest or as second nearest neuron one whose cells are left out: the nearest
 * cell and the nearest of another neuron bound from above what the best two can be anywhere in the block. */
static void gather_cells(const dust_scene *scene, const float centre[3], float radius, const int32_t *around, int n, block *out) {
  float distance[NEAR_MAX], best = INFINITY, other = INFINITY;
  int32_t neuron = -1;
  for (int k = 0; k < n; k++) {
    const dust_cell *cell = &scene->cell[around[k]];
    distance[k] = distance_to(centre, cell->at);
    const float upper = power_within(cell, distance[k] + radius);
    if (upper < best) {
      if (cell->neuron != neuron) other = best;
      best = upper;
      neuron = cell->neuron;
    } else if (cell->neuron != neuron && upper < other)
      other = upper;
  }
  out->cells = 0;
  for (int k = 0; k < n; k++)
    if (power_within(&scene->cell[around[k]], distance[k] - radius) <= other) out->cell[out->cells++] = around[k];
}

static void gather_block(const dust_scene *scene, const float centre[3], float radius, block *out) {
  int32_t around[NEAR_MAX];
  const int n = dust_scene_around(scene, centre, around);
  gather_cells(scene, centre, radius, around, n, out);
  out->organelles = out->synapses = 0;
  for (int k = 0; k < n; k++) {
    const dust_cell *cell = &scene->cell[around[k]];
    if (cell->organelle_reach > 0 && distance_to(centre, cell->organelle_at) < cell->organelle_reach + radius)
      out->organelle[out->organelles++] = around[k];
    if (cell->synapse_reach > 0 && distance_to(centre, cell->synapse_at) < 2.5f * cell->synapse_reach + radius)
      out->synapse[out->synapses++] = around[k];
  }
}

/* ---- one voxel */

typedef struct membrane {
  int32_t cell, other;
  float distance, slant; /* nm to the border; share of its normal that runs along z */
} membrane;

static membrane find_membrane(const dust_scene *scene, const block *near, const float p[3]) {
  float best = INFINITY, second = INFINITY;
  int32_t cell = near->cell[0], other = -1, neuron = -1;
  for (int k = 0; k < near->cells; k++) {
    const dust_cell *c = &scene->cell[near->cell[k]];
    const float dz = p[0] - c->at[0], dy = p[1] - c->at[1], dx = p[2] - c->at[2], power = dz * dz + dy * dy + dx * dx - c->weight;
    if (power < best) {
      if (c->neuron != neuron) second = best, other = cell;
      best = power;
      cell = near->cell[k];
      neuron = c->neuron;
    } else if (c->neuron != neuron && power < second)
      second = power, other = near->cell[k];
  }
  membrane out = {cell, other, 1e6f, 0};
  if (other < 0 || second == INFINITY) return out;
  const dust_cell *a = &scene->cell[cell], *b = &scene->cell[other];
  const float nz = b->at[0] - a->at[0], ny = b->at[1] - a->at[1], nx = b->at[2] - a->at[2];
  const float squared = nz * nz * SCENE_SQUEEZE * SCENE_SQUEEZE + ny * ny + nx * nx; /* squared gradient by world units, times |b - a|^2 */
  const float length = sqrtf(squared);
  out.distance = (second - best) / (2.0f * length);
  out.slant = SCENE_SQUEEZE * fabsf(nz) / length;
  return out;
}

/* Depth in nm below the surface of the deepest organelle of this cell here; < 0 outside. *along: place along its long axis. */
static float organelle_depth(const dust_scene *scene, const block *near, const membrane *m, const float p[3], float *along) {
  float deepest = -1e6f;
  for (int k = 0; k < near->organelles; k++) {
    const dust_cell *c = &scene->cell[near->organelle[k]];
    if (c->neuron != scene->cell[m->cell].neuron) continue;
    float sum = 0, first = 0;
    for (int j = 0; j < 3; j++) {
      const float *axis = c->organelle_axis[j];
      const float v = axis[0] * (p[0] - c->organelle_at[0]) + axis[1] * (p[1] - c->organelle_at[1]) + axis[2] * (p[2] - c->organelle_at[2]);
      const float q = v / c->organelle_radius[j];
      if (j == 0) first = v;
      sum += q * q;
    }
    const float depth = (1.0f - sqrtf(sum)) * c->organelle_radius[2];
    if (depth > deepest) deepest = depth, *along = first + 0.3f * p[2];
  }
  const float room = m->distance - ORGANELLE_GAP;
  return deepest < room ? deepest : room;
}

/* 0 … 1: how much of a synapse's density is here; sets *release where its vesicles wait. */
static float synapse_density(const dust_scene *scene, const block *near, const membrane *m, const float p[3], bool *release) {
  float most = 0;
  for (int k = 0; k < near->synapses; k++) {
    const int32_t pre = near->synapse[k];
    const dust_cell *c = &scene->cell[pre];
    const int32_t neuron = scene->cell[m->cell].neuron, post = scene->cell[c->synapse_post].neuron;
    if (neuron != c->neuron && neuron != post) continue;
    const float q = distance_to(p, c->synapse_at) / c->synapse_reach;
    if (neuron == c->neuron && q < 2.5f) *release = true;
    if (q < 1.0f && 1.0f - q * q > most) most = 1.0f - q * q;
  }
  return most > 0.35f ? 1.0f : most / 0.35f;
}

static float gauss(float x, float sigma) {
  const float q = x / sigma;
  return q * q > 20.0f ? 0.0f : expf(-0.5f * q * q);
}

static float membrane_shade(const membrane *m, float thickness, float density) {
  if (m->distance > 90.0f) return 0;
  const float smear = thickness * m->slant, sigma = sqrtf(MEMBRANE_SIGMA * MEMBRANE_SIGMA + smear * smear * (1.0f / 12.0f));
  const float weak = MEMBRANE_SIGMA / sigma,
              line = gauss(m->distance - MEMBRANE_APART, sigma) + 0.5f * gauss(m->distance + MEMBRANE_APART, sigma);
  const float cleft = 0.35f * gauss(m->distance, 3.0f) * weak * weak;
  return MEMBRANE_DEPTH * (weak * line - cleft) +
         density * 0.34f * gauss(m->distance - 10.0f, sqrtf(121.0f + smear * smear * (1.0f / 12.0f)));
}

static float organelle_shade(float depth, float along, float wobble) {
  const float outline = 0.24f * gauss(depth - 3.0f, 6.0f);
  if (depth <= 0) return outline;
  const float inside = depth > 14.0f ? 1.0f : depth / 14.0f;
  const float cristae = sinf(along * (6.2831853f / 52.0f) + 0.9f * wobble);
  return outline + inside * (0.125f + 0.075f * cristae);
}

static void draw_voxel(section *s, const block *near, int64_t at, const float p[3], float thickness) {
  const dust_scene *scene = s->scene;
  const membrane m = find_membrane(scene, near, p);
  bool release = false;
  float along = 0;
  const float density = near->synapses ? synapse_density(scene, near, &m, p, &release) : 0;
  const float depth = near->organelles ? organelle_depth(scene, near, &m, p, &along) : -1e6f;
  float light = BASE_LIGHT + scene->cell[m.cell].tone - membrane_shade(&m, thickness, density);
  if (depth > -20.0f) light -= organelle_shade(depth, along, s->light[at] * 20.0f);
  s->light[at] += light;
  s->distance[at] = m.distance;
  s->cell[at] = m.cell;
  s->kind[at] = depth > 0 ? KIND_ORGANELLE : release ? KIND_RELEASE : KIND_CYTOPLASM;
}

/* ---- the section */

static void warp_row(section *s, int64_t y, int64_t row) {
  const int64_t *voxel = s->scene->options.voxel_size;
  const double world_y = ((double)y + 0.5) * (double)voxel[1] + s->shift[0], world_x = 0.5 * (double)voxel[2] + s->shift[1];
  for (int d = 0; d < 3; d++) {
    float *out = s->position[d] + row * s->width;
    for (int64_t x = 0; x < s->width; x++) out[x] = (float)(d == 0 ? s->z : d == 1 ? world_y : world_x + (double)(x * voxel[2]));
    for (int k = 0; k < SCENE_OCTAVES; k++)
      dust_field_plane_add(&s->warp[d][k], world_y, world_x, (double)voxel[2], s->width, dust_scene_warp_amplitude[k], out);
    if (d == 0)
      for (int64_t x = 0; x < s->width; x++) out[x] *= SCENE_SQUEEZE;
  }
}

static void draw_block(section *s, int64_t y, int64_t rows, int64_t x, int64_t columns) {
  const float thickness = (float)s->scene->options.voxel_size[0];
  float low[3], high[3], centre[3], squared = 0;
  for (int d = 0; d < 3; d++) {
    low[d] = INFINITY, high[d] = -INFINITY;
    for (int64_t j = 0; j < rows; j++)
      for (int64_t i = 0; i < columns; i++) {
        const float v = s->position[d][j * s->width + x + i];
        low[d] = v < low[d] ? v : low[d];
        high[d] = v > high[d] ? v : high[d];
      }
    centre[d] = 0.5f * (low[d] + high[d]);
    squared += 0.25f * (high[d] - low[d]) * (high[d] - low[d]);
  }
  block near;
  gather_block(s->scene, centre, sqrtf(squared), &near);
  for (int64_t j = 0; j < rows; j++)
    for (int64_t i = 0; i < columns; i++) {
      const int64_t from = j * s->width + x + i;
      const float p[3] = {s->position[0][from], s->position[1][from], s->position[2][from]};
      draw_voxel(s, &near, (y + j) * s->width + x + i, p, thickness);
    }
}

static void draw_tissue(section *s) {
  const int64_t *voxel = s->scene->options.voxel_size;
  memset(s->light, 0, (size_t)(s->height * s->width) * sizeof *s->light);
  for (int64_t y = 0; y < s->height; y += BLOCK) {
    const int64_t rows = s->height - y < BLOCK ? s->height - y : BLOCK;
    for (int64_t j = 0; j < rows; j++) {
      const double world_y = ((double)(y + j) + 0.5) * (double)voxel[1], world_x = 0.5 * (double)voxel[2];
      warp_row(s, y + j, j);
      dust_field_plane_add(&s->fine, world_y, world_x, (double)voxel[2], s->width, 0.042f, s->light + (y + j) * s->width);
      dust_field_plane_add(&s->coarse, world_y, world_x, (double)voxel[2], s->width, 0.032f, s->light + (y + j) * s->width);
    }
    for (int64_t x = 0; x < s->width; x += BLOCK) draw_block(s, y, rows, x, s->width - x < BLOCK ? s->width - x : BLOCK);
  }
}

/* Small round things on a jittered grid, one a place. */
typedef struct stamp {
  uint64_t purpose;
  float pitch, radius, spread, sigma, dark,
      bright; /* ring (or dot, radius 0) of brightness -dark, its inside +bright; radii vary by +-spread */
  float room; /* nm to the next membrane that it needs */
} stamp;

static void stamp_one(section *s, const stamp *k, float y, float x, float radius) {
  const int64_t *voxel = s->scene->options.voxel_size;
  const float reach = radius + 2.5f * k->sigma, vy = (float)voxel[1], vx = (float)voxel[2];
  const int64_t y0 = (int64_t)fmaxf(0, (y - reach) / vy), y1 = (int64_t)fminf((float)s->height - 1, (y + reach) / vy);
  const int64_t x0 = (int64_t)fmaxf(0, (x - reach) / vx), x1 = (int64_t)fminf((float)s->width - 1, (x + reach) / vx);
  for (int64_t j = y0; j <= y1; j++)
    for (int64_t i = x0; i <= x1; i++) {
      const float dy = ((float)j + 0.5f) * vy - y, dx = ((float)i + 0.5f) * vx - x, q = sqrtf(dy * dy + dx * dx);
      s->light[j * s->width + i] += (q < radius - k->sigma ? k->bright : 0.0f) - k->dark * gauss(q - radius, k->sigma);
    }
}

static void stamp_all(section *s, const stamp *k, int64_t plane) {
  const int64_t *voxel = s->scene->options.voxel_size;
  const uint64_t seed = dust_scene_seed(s->scene, k->purpose);
  const int64_t ny = (int64_t)((float)(s->height * voxel[1]) / k->pitch), nx = (int64_t)((float)(s->width * voxel[2]) / k->pitch);
  for (int64_t j = 0; j < ny; j++)
    for (int64_t i = 0; i < nx; i++) {
      uint64_t h = dust_hash3(seed, plane, j, i);
      const float chance = dust_hash_uniform(h);
      if (chance > 0.75f) continue; /* more than any place asks for */
      const float y = ((float)j + 0.25f + 0.5f * dust_hash_uniform(h = dust_hash(h))) * k->pitch;
      const float x = ((float)i + 0.25f + 0.5f * dust_hash_uniform(h = dust_hash(h))) * k->pitch;
      const int64_t at = (int64_t)(y / (float)voxel[1]) * s->width + (int64_t)(x / (float)voxel[2]);
      const float radius = k->radius + k->spread * (2.0f * dust_hash_uniform(dust_hash(h)) - 1.0f);
      const float likely = k->purpose == SEED_TUBULES ? 0.12f : s->kind[at] == KIND_RELEASE ? 0.7f : s->scene->cell[s->cell[at]].vesicles;
      if (chance < likely && s->kind[at] != KIND_ORGANELLE && s->distance[at] > k->room + radius) stamp_one(s, k, y, x, radius);
    }
}

/* 1 2 1 along both axes: what the microscope's optics leave of an edge. `line` holds two rows. */
static void blur(float *light, int64_t height, int64_t width, float *line) {
  float *above = line, *here = line + width;
  for (int64_t y = 0; y < height; y++) {
    float *row = light + y * width, left = row[0];
    for (int64_t x = 0; x < width; x++) {
      const float middle = row[x], right = x + 1 < width ? row[x + 1] : middle;
      row[x] = 0.25f * left + 0.5f * middle + 0.25f * right;
      left = middle;
    }
  }
  memcpy(above, light, (size_t)width * sizeof *light);
  for (int64_t y = 0; y < height; y++) {
    float *row = light + y * width;
    const float *below = y + 1 < height ? row + width : row;
    memcpy(here, row, (size_t)width * sizeof *row);
    for (int64_t x = 0; x < width; x++) row[x] = 0.25f * above[x] + 0.5f * here[x] + 0.25f * below[x];
    float *swap = above;
    above = here;
    here = swap;
  }
}

static void expose(section *s, int64_t plane, uint8_t *raw) {
  const int64_t *voxel = s->scene->options.voxel_size;
  const uint64_t section_seed = dust_hash3(dust_scene_seed(s->scene, SEED_SECTION), plane, 0, 0),
                 pixel_seed = dust_scene_seed(s->scene, SEED_PIXEL);
  const float contrast = 1.0f + 0.07f * dust_hash_normal(section_seed), bright = 0.56f + 0.025f * dust_hash_normal(dust_hash(section_seed));
  for (int64_t y = 0; y < s->height; y++) {
    float *row = s->light + y * s->width;
    const uint64_t row_seed = dust_hash3(pixel_seed, plane, y, 0);
    dust_field_plane_add(&s->shading, ((double)y + 0.5) * (double)voxel[1], 0.5 * (double)voxel[2], (double)voxel[2], s->width, 0.03f, row);
    for (int64_t x = 0; x < s->width; x++) {
      const float noise = 0.045f * dust_hash_normal(dust_hash(row_seed + (uint64_t)x));
      const float value = 255.0f * (bright + contrast * (row[x] - 0.56f) + noise) + 0.5f;
      raw[y * s->width + x] = value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
    }
  }
}

static void name_voxels(const section *s, uint64_t *neuron_ids, uint8_t *organelles) {
  for (int64_t i = 0; i < s->height * s->width; i++) {
    neuron_ids[i] = (uint64_t)s->scene->cell[s->cell[i]].neuron;
    organelles[i] = s->kind[i] == KIND_ORGANELLE;
  }
}

/* A grain no finer than the voxels: finer detail would be noise and cost a lattice node each. */
static dust_status prepare_grain(section *s, dust_field_plane *out, uint64_t purpose, double spacing_z, double spacing) {
  const dust_synthesis_options *o = &s->scene->options;
  dust_field field = {dust_scene_seed(s->scene, purpose), {spacing_z, spacing, spacing}};
  for (int d = 0; d < 3; d++)
    if (field.spacing[d] < (double)o->voxel_size[d]) field.spacing[d] = (double)o->voxel_size[d];
  return dust_field_plane_prepare(out, &field, s->z, 0, (double)(o->shape[1] * o->voxel_size[1]), 0,
                                  (double)(o->shape[2] * o->voxel_size[2]));
}

static dust_status section_prepare(section *s, const dust_scene *scene, int64_t plane) {
  const dust_synthesis_options *o = &scene->options;
  const uint64_t seed = dust_hash3(dust_scene_seed(scene, SEED_SECTION), plane, 1, 0);
  memset(s, 0, sizeof *s);
  s->scene = scene;
  s->height = o->shape[1];
  s->width = o->shape[2];
  s->z = ((double)plane + 0.5) * (double)o->voxel_size[0];
  s->shift[0] = 4.0 * (double)dust_hash_normal(seed);
  s->shift[1] = 4.0 * (double)dust_hash_normal(dust_hash(seed));
  const size_t pixels = (size_t)(s->height * s->width);
  DUST_TRY(dust_alloc((void **)&s->light, pixels * sizeof *s->light));
  DUST_TRY(dust_alloc((void **)&s->distance, pixels * sizeof *s->distance));
  DUST_TRY(dust_alloc((void **)&s->cell, pixels * sizeof *s->cell));
  DUST_TRY(dust_alloc((void **)&s->kind, pixels));
  const double y0 = s->shift[0], y1 = y0 + (double)(s->height * o->voxel_size[1]), x0 = s->shift[1],
               x1 = x0 + (double)(s->width * o->voxel_size[2]);
  for (int d = 0; d < 3; d++) {
    DUST_TRY(dust_alloc((void **)&s->position[d], (size_t)(BLOCK * s->width) * sizeof(float)));
    for (int k = 0; k < SCENE_OCTAVES; k++) DUST_TRY(dust_field_plane_prepare(&s->warp[d][k], &scene->warp[d][k], s->z, y0, y1, x0, x1));
  }
  DUST_TRY(prepare_grain(s, &s->fine, SEED_GRAIN_FINE, 35.0, 9.0));
  DUST_TRY(prepare_grain(s, &s->coarse, SEED_GRAIN_COARSE, 60.0, 42.0));
  return prepare_grain(s, &s->shading, SEED_SHADING, 400.0, 1500.0);
}

static void section_release(section *s) {
  dust_free(s->light);
  dust_free(s->distance);
  dust_free(s->cell);
  dust_free(s->kind);
  for (int d = 0; d < 3; d++) {
    dust_free(s->position[d]);
    for (int k = 0; k < SCENE_OCTAVES; k++) dust_field_plane_release(&s->warp[d][k]);
  }
  dust_field_plane_release(&s->fine);
  dust_field_plane_release(&s->coarse);
  dust_field_plane_release(&s->shading);
}

dust_status dust_scene_draw_plane(const dust_scene *scene, int64_t plane, uint8_t *raw, uint64_t *neuron_ids, uint8_t *organelles) {
  static const stamp vesicles = {SEED_VESICLES, 44.0f, 15.0f, 3.0f, 4.5f, 0.17f, 0.05f, 12.0f};
  static const stamp tubules = {SEED_TUBULES, 30.0f, 0.0f, 0.0f, 5.5f, 0.13f, 0.0f, 16.0f};
  section s;
  dust_status status;
  DUST_GO(section_prepare(&s, scene, plane));
  draw_tissue(&s);
  stamp_all(&s, &vesicles, plane);
  stamp_all(&s, &tubules, plane);
  blur(s.light, s.height, s.width, s.position[0]); /* positions are not needed any more: room for two rows */
  expose(&s, plane, raw);
  name_voxels(&s, neuron_ids, organelles);
done:
  section_release(&s);
  return status;
}
