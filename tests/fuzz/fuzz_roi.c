/* ROI arithmetic with any numbers: nothing overflows unseen, and what holds for boxes holds. */
#include "input.h"
#include "volume/roi.h"

static dust_coordinate take_coordinate(input *in, int ndim) {
  dust_coordinate c = dust_coordinate_filled(ndim, 0);
  for (int d = 0; d < ndim; d++) {
    if (take_byte(in) > 240)
      c.unbounded |= 1u << d;
    else
      c.value[d] = take_number(in);
  }
  return c;
}

static bool take_roi(input *in, int ndim, dust_roi *out) {
  const dust_coordinate offset = take_coordinate(in, ndim), shape = take_coordinate(in, ndim);
  return dust_roi_make(out, &offset, &shape) == DUST_OK;
}

static void check_pair(const dust_roi *a, const dust_roi *b) {
  dust_roi both, other, inside;
  if (dust_roi_union(&both, a, b) == DUST_OK) {
    if (!dust_roi_empty(a) || !dust_roi_empty(b)) MUST(dust_roi_union(&other, b, a) == DUST_OK && dust_roi_equal(&both, &other));
    if (!dust_roi_empty(a) && !dust_roi_empty(b)) MUST(dust_roi_contains(&both, a) && dust_roi_contains(&both, b));
  }
  MUST(dust_roi_intersects(a, b) == dust_roi_intersects(b, a));
  if (dust_roi_intersect(&inside, a, b) == DUST_OK && !dust_roi_empty(&inside)) {
    MUST(dust_roi_contains(a, &inside) && dust_roi_contains(b, &inside));
    MUST(dust_roi_intersects(a, b));
  }
}

static void check_moves(const dust_roi *a, const dust_coordinate *by) {
  dust_roi moved, back;
  dust_coordinate negative;
  if (dust_roi_shift(&moved, a, by) != DUST_OK || by->unbounded) return;
  if (dust_coordinate_negate(&negative, by) == DUST_OK && dust_roi_shift(&back, &moved, &negative) == DUST_OK)
    MUST(dust_roi_equal(a, &back));
}

static void check_grid(const dust_roi *a, const dust_coordinate *voxel_size) {
  dust_roi snapped;
  for (int mode = DUST_SNAP_GROW; mode <= DUST_SNAP_CLOSEST; mode++) {
    if (dust_roi_snap(&snapped, a, voxel_size, (dust_snap)mode) != DUST_OK) continue;
    if (mode == DUST_SNAP_GROW && !dust_roi_empty(a)) MUST(dust_roi_contains(&snapped, a));
    if (mode == DUST_SNAP_SHRINK && !dust_roi_empty(a) && !dust_roi_empty(&snapped)) MUST(dust_roi_contains(a, &snapped));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  const int ndim = 1 + (int)(take_byte(&in) % DUST_MAXDIM);
  dust_roi a, b, out;
  dust_coordinate point;
  int64_t voxels;
  char text[64];
  if (!take_roi(&in, ndim, &a) || !take_roi(&in, ndim, &b)) return 0;
  const dust_coordinate by = take_coordinate(&in, ndim), more = take_coordinate(&in, ndim);
  check_pair(&a, &b);
  check_moves(&a, &by);
  check_grid(&a, &by);
  (void)dust_roi_grow(&out, &a, &by, &more);
  for (int op = DUST_ADD; op <= DUST_MODULO; op++) (void)dust_roi_apply(&out, (dust_coordinate_op)op, &a, &by);
  if (dust_roi_center(&point, &a) == DUST_OK && !dust_roi_empty(&a) && !dust_roi_unbounded(&a)) MUST(dust_roi_contains_point(&a, &point));
  (void)dust_roi_end(&point, &a);
  (void)dust_roi_size(&voxels, &a);
  (void)dust_roi_format(text, sizeof text, &a);
  return 0;
}
