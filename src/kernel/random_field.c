/* Smooth random fields: cubic B-splines over hashed lattice nodes (see random_field.h). */
#include "kernel/random_field.h"

#include <math.h>
#include "base/mem.h"

/* A B-spline of unit normals has a standard deviation of about 0.69 an axis; this brings three of them back to 1. */
#define FIELD_GAIN 3.0f

/* The node left of t, and the weights of it and its neighbours: node - 1 … node + 2. */
static int64_t spline_weights(double t, float weight[4]) {
  const double left = floor(t);
  const float f = (float)(t - left), g = 1.0f - f;
  weight[0] = g * g * g * (1.0f / 6.0f);
  weight[1] = (2.0f / 3.0f) - f * f * (1.0f - 0.5f * f);
  weight[2] = (2.0f / 3.0f) - g * g * (1.0f - 0.5f * g);
  weight[3] = f * f * f * (1.0f / 6.0f);
  return (int64_t)left;
}

static float reduce_z(const dust_field *field, int64_t z, const float weight[4], int64_t y, int64_t x) {
  float sum = 0;
  for (int k = 0; k < 4; k++) sum += weight[k] * dust_hash_normal(dust_hash3(field->seed, z - 1 + k, y, x));
  return sum * FIELD_GAIN;
}

float dust_field_at(const dust_field *field, const double position[3]) {
  float wz[4], wy[4], wx[4], sum = 0;
  const int64_t z = spline_weights(position[0] / field->spacing[0], wz);
  const int64_t y = spline_weights(position[1] / field->spacing[1], wy);
  const int64_t x = spline_weights(position[2] / field->spacing[2], wx);
  for (int j = 0; j < 4; j++)
    for (int i = 0; i < 4; i++) sum += wy[j] * wx[i] * reduce_z(field, z, wz, y - 1 + j, x - 1 + i);
  return sum;
}

dust_status dust_field_plane_prepare(dust_field_plane *out, const dust_field *field, double z, double y0, double y1, double x0, double x1) {
  float weight[4];
  const int64_t lattice_z = spline_weights(z / field->spacing[0], weight);
  out->field = *field;
  out->y = (int64_t)floor(y0 / field->spacing[1]) - 1;
  out->x = (int64_t)floor(x0 / field->spacing[2]) - 1;
  out->ny = (int64_t)floor(y1 / field->spacing[1]) + 3 - out->y;
  out->nx = (int64_t)floor(x1 / field->spacing[2]) + 3 - out->x;
  out->node = out->row = NULL;
  DUST_TRY(dust_alloc((void **)&out->node, (size_t)(out->ny * out->nx) * sizeof(float)));
  DUST_TRY(dust_alloc((void **)&out->row, (size_t)out->nx * sizeof(float)));
  for (int64_t j = 0; j < out->ny; j++)
    for (int64_t i = 0; i < out->nx; i++) out->node[j * out->nx + i] = reduce_z(field, lattice_z, weight, out->y + j, out->x + i);
  return DUST_OK;
}

void dust_field_plane_add(dust_field_plane *plane, double y, double x, double step, int64_t n, float scale, float *out) {
  float weight[4];
  const float *node = plane->node + (spline_weights(y / plane->field.spacing[1], weight) - 1 - plane->y) * plane->nx;
  for (int64_t i = 0; i < plane->nx; i++) {
    const float *at = node + i;
    plane->row[i] = scale * (weight[0] * at[0] + weight[1] * at[plane->nx] + weight[2] * at[2 * plane->nx] + weight[3] * at[3 * plane->nx]);
  }
  const double first = x / plane->field.spacing[2] - (double)plane->x, pitch = step / plane->field.spacing[2];
  for (int64_t i = 0; i < n; i++) {
    const float *at = plane->row + spline_weights(first + (double)i * pitch, weight) - 1;
    out[i] += weight[0] * at[0] + weight[1] * at[1] + weight[2] * at[2] + weight[3] * at[3];
  }
}

void dust_field_plane_release(dust_field_plane *plane) {
  dust_free(plane->node);
  dust_free(plane->row);
  plane->node = plane->row = NULL;
}
