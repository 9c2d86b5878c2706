/* Boxes, axis by axis, as funlib.geometry defines them; the making of one checks that its end fits 64 bits, so nothing later has
 * to. */
#include "volume/roi.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A bound of one axis: a number, or none. */
typedef struct bound {
  bool none;
  int64_t value;
} bound;

static bound entry(const dust_coordinate *c, int d) { return (bound){dust_coordinate_is_unbounded(c, d), c->value[d]}; }
static bound begin_of(const dust_roi *roi, int d) { return entry(&roi->offset, d); }

static bound end_of(const dust_roi *roi, int d) {
  bound begin = begin_of(roi, d), length = entry(&roi->shape, d);
  if (begin.none || length.none) return (bound){true, 0};
  int64_t end;
  if (__builtin_add_overflow(begin.value, length.value, &end)) end = length.value > 0 ? INT64_MAX : INT64_MIN;
  return (bound){false, end};
}

static void put(dust_coordinate *c, int d, bound b) {
  c->value[d] = b.none ? 0 : b.value;
  if (b.none) c->unbounded |= 1u << d;
}

dust_status dust_roi_make(dust_roi *out, const dust_coordinate *offset, const dust_coordinate *shape) {
  if (offset->ndim != shape->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "a ROI's offset has %d axes and its shape %d: they must have the same number", offset->ndim,
                     shape->ndim);
  dust_roi roi = {*offset, *shape};
  roi.offset.unbounded |= shape->unbounded;
  for (int d = 0; d < offset->ndim; d++) {
    int64_t end;
    if (dust_coordinate_is_unbounded(&roi.shape, d)) roi.shape.value[d] = 0;
    if (dust_coordinate_is_unbounded(&roi.offset, d))
      roi.offset.value[d] = 0;
    else if (__builtin_add_overflow(roi.offset.value[d], roi.shape.value[d], &end))
      return dust_fail(DUST_ERROR_RANGE, "a ROI with offset %" PRId64 " and shape %" PRId64 " on axis %d ends beyond 64 bits",
                       offset->value[d], shape->value[d], d + 1);
  }
  *out = roi;
  return DUST_OK;
}

bool dust_roi_equal(const dust_roi *a, const dust_roi *b) {
  return dust_coordinate_equal(&a->offset, &b->offset) && dust_coordinate_equal(&a->shape, &b->shape);
}

bool dust_roi_empty(const dust_roi *roi) {
  for (int d = 0; d < roi->shape.ndim; d++)
    if (!dust_coordinate_is_unbounded(&roi->shape, d) && roi->shape.value[d] <= 0) return true;
  return false;
}

bool dust_roi_unbounded(const dust_roi *roi) { return roi->shape.unbounded != 0; }

dust_status dust_roi_end(dust_coordinate *out, const dust_roi *roi) {
  return dust_coordinate_apply(out, DUST_ADD, &roi->offset, &roi->shape);
}

dust_status dust_roi_center(dust_coordinate *out, const dust_roi *roi) {
  dust_coordinate half;
  DUST_TRY(dust_coordinate_apply_number(&half, DUST_DIVIDE, &roi->shape, 2));
  return dust_coordinate_apply(out, DUST_ADD, &roi->offset, &half);
}

static dust_status no_size(const dust_roi *roi) {
  char text[DUST_ROI_TEXT];
  dust_roi_format(text, sizeof text, roi);
  if (dust_roi_unbounded(roi)) return dust_fail(DUST_ERROR_RANGE, "the ROI %s is unbounded: it has no size", text);
  return dust_fail(DUST_ERROR_RANGE, "the size of the ROI %s is beyond 64 bits", text);
}

dust_status dust_roi_size(int64_t *out, const dust_roi *roi) {
  if (dust_roi_unbounded(roi)) return no_size(roi);
  int64_t size = 1;
  bool zero = false, overflow = false;
  for (int d = 0; d < roi->shape.ndim; d++) {
    zero = zero || roi->shape.value[d] == 0;
    overflow = overflow || __builtin_mul_overflow(size, roi->shape.value[d], &size);
  }
  if (overflow && !zero) return no_size(roi);
  *out = zero ? 0 : size;
  return DUST_OK;
}

/* ---- questions */

bool dust_roi_contains_point(const dust_roi *roi, const dust_coordinate *point) {
  if (point->ndim != roi->shape.ndim) return false;
  for (int d = 0; d < point->ndim; d++) {
    bound p = entry(point, d), b = begin_of(roi, d), e = end_of(roi, d);
    if (!b.none && (p.none || p.value < b.value)) return false;
    if (!e.none && (p.none || p.value >= e.value)) return false;
  }
  return true;
}

bool dust_roi_contains_location(const dust_roi *roi, const double *location) {
  for (int d = 0; d < roi->shape.ndim; d++) {
    bound b = begin_of(roi, d), e = end_of(roi, d);
    if (!b.none && !(location[d] >= (double)b.value)) return false; /* written so that NaN is nowhere inside */
    if (!e.none && !(location[d] < (double)e.value)) return false;
  }
  return true;
}

/* The last point inside a box that is not empty. */
static dust_coordinate last_point(const dust_roi *roi) {
  dust_coordinate last = {.ndim = roi->shape.ndim};
  for (int d = 0; d < last.ndim; d++) {
    bound end = end_of(roi, d);
    end.value -= !end.none;
    put(&last, d, end);
  }
  return last;
}

bool dust_roi_contains(const dust_roi *roi, const dust_roi *other) {
  if (dust_roi_empty(other)) return dust_roi_empty(roi) || dust_roi_contains_point(roi, &other->offset);
  dust_coordinate last = last_point(other);
  return dust_roi_contains_point(roi, &other->offset) && dust_roi_contains_point(roi, &last);
}

bool dust_roi_intersects(const dust_roi *a, const dust_roi *b) {
  if (a->shape.ndim != b->shape.ndim || dust_roi_empty(a) || dust_roi_empty(b)) return false;
  for (int d = 0; d < a->shape.ndim; d++) {
    bound begin_a = begin_of(a, d), begin_b = begin_of(b, d), end_a = end_of(a, d), end_b = end_of(b, d);
    if (begin_a.none || begin_b.none || end_a.none || end_b.none) continue;
    if (begin_a.value >= end_b.value || begin_b.value >= end_a.value) return false;
  }
  return true;
}

/* ---- combinations */

typedef bound (*choose)(bound, bound);

/* Without a bound a box goes on: an intersection takes the other's bound, a union has none. */
static bound inner_begin(bound a, bound b) { return a.none ? b : b.none || a.value >= b.value ? a : b; }
static bound inner_end(bound a, bound b) { return a.none ? b : b.none || a.value <= b.value ? a : b; }
static bound outer_begin(bound a, bound b) { return a.none || (!b.none && a.value <= b.value) ? a : b; }
static bound outer_end(bound a, bound b) { return a.none || (!b.none && a.value >= b.value) ? a : b; }

static dust_status same_axes(const dust_roi *a, const dust_roi *b) {
  if (a->shape.ndim == b->shape.ndim) return DUST_OK;
  return dust_fail(DUST_ERROR_ARGUMENT, "ROIs of %d and %d axes can't be combined: they must have the same number of axes", a->shape.ndim,
                   b->shape.ndim);
}

static dust_status from_begin_end(dust_roi *out, const dust_coordinate *begin, const dust_coordinate *end) {
  dust_coordinate shape;
  DUST_TRY(dust_coordinate_apply(&shape, DUST_SUBTRACT, end, begin));
  return dust_roi_make(out, begin, &shape);
}

static dust_status combine(dust_roi *out, const dust_roi *a, const dust_roi *b, choose choose_begin, choose choose_end) {
  dust_coordinate begin = {.ndim = a->shape.ndim}, end = {.ndim = a->shape.ndim};
  for (int d = 0; d < begin.ndim; d++) {
    put(&begin, d, choose_begin(begin_of(a, d), begin_of(b, d)));
    put(&end, d, choose_end(end_of(a, d), end_of(b, d)));
  }
  return from_begin_end(out, &begin, &end);
}

dust_status dust_roi_intersect(dust_roi *out, const dust_roi *a, const dust_roi *b) {
  DUST_TRY(same_axes(a, b));
  if (dust_roi_intersects(a, b)) return combine(out, a, b, inner_begin, inner_end);
  int ndim = a->shape.ndim;
  *out = (dust_roi){dust_coordinate_unbounded(ndim), dust_coordinate_filled(ndim, 0)};
  return DUST_OK;
}

dust_status dust_roi_union(dust_roi *out, const dust_roi *a, const dust_roi *b) {
  DUST_TRY(same_axes(a, b));
  if (!dust_roi_empty(a) && !dust_roi_empty(b)) return combine(out, a, b, outer_begin, outer_end);
  *out = dust_roi_empty(a) ? *b : *a;
  return DUST_OK;
}

dust_status dust_roi_shift(dust_roi *out, const dust_roi *roi, const dust_coordinate *by) {
  dust_coordinate offset;
  DUST_TRY(dust_coordinate_apply(&offset, DUST_ADD, &roi->offset, by));
  return dust_roi_make(out, &offset, &roi->shape);
}

dust_status dust_roi_grow(dust_roi *out, const dust_roi *roi, const dust_coordinate *negative, const dust_coordinate *positive) {
  dust_coordinate offset, shape;
  DUST_TRY(dust_coordinate_apply(&offset, DUST_SUBTRACT, &roi->offset, negative));
  DUST_TRY(dust_coordinate_apply(&shape, DUST_ADD, &roi->shape, negative));
  DUST_TRY(dust_coordinate_apply(&shape, DUST_ADD, &shape, positive));
  return dust_roi_make(out, &offset, &shape);
}

dust_status dust_roi_apply(dust_roi *out, dust_coordinate_op op, const dust_roi *roi, const dust_coordinate *operand) {
  dust_coordinate offset, shape;
  DUST_TRY(dust_coordinate_apply(&offset, op, &roi->offset, operand));
  DUST_TRY(dust_coordinate_apply(&shape, op, &roi->shape, operand));
  return dust_roi_make(out, &offset, &shape);
}

/* ---- the voxel grid */

static dust_status check_voxel_size(const dust_roi *roi, const dust_coordinate *voxel_size) {
  if (voxel_size->ndim != roi->shape.ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "a voxel size of %d axes for a ROI of %d: they must have the same number", voxel_size->ndim,
                     roi->shape.ndim);
  for (int d = 0; d < voxel_size->ndim; d++) {
    if (!dust_coordinate_is_unbounded(voxel_size, d) && voxel_size->value[d] > 0) continue;
    char text[DUST_COORDINATE_TEXT];
    dust_coordinate_format(text, sizeof text, voxel_size);
    return dust_fail(DUST_ERROR_ARGUMENT, "voxel size %s: each entry must be 1 or more", text);
  }
  return DUST_OK;
}

/* The multiple of voxel_size that is the floor of (c + nudge) / voxel_size: nudge 0 rounds down, size - 1 up, (size - 1) // 2 to
 * the closest (half down). */
static dust_status snap(dust_coordinate *out, const dust_coordinate *c, const dust_coordinate *voxel_size, dust_snap mode) {
  dust_coordinate nudge = dust_coordinate_filled(c->ndim, 0);
  for (int d = 0; d < c->ndim; d++) {
    if (mode == DUST_SNAP_GROW) nudge.value[d] = voxel_size->value[d] - 1;
    if (mode == DUST_SNAP_CLOSEST) nudge.value[d] = (voxel_size->value[d] - 1) / 2;
  }
  DUST_TRY(dust_coordinate_apply(out, DUST_ADD, c, &nudge));
  DUST_TRY(dust_coordinate_apply(out, DUST_FLOOR_DIVIDE, out, voxel_size));
  return dust_coordinate_apply(out, DUST_MULTIPLY, out, voxel_size);
}

dust_status dust_roi_snap(dust_roi *out, const dust_roi *roi, const dust_coordinate *voxel_size, dust_snap mode) {
  enum { DOWN = DUST_SNAP_SHRINK, UP = DUST_SNAP_GROW }; /* as an end is moved; a begin goes the other way */
  DUST_TRY(check_voxel_size(roi, voxel_size));
  dust_coordinate begin, end;
  DUST_TRY(dust_roi_end(&end, roi));
  DUST_TRY(snap(&begin, &roi->offset, voxel_size, mode == DUST_SNAP_GROW ? DOWN : mode == DUST_SNAP_SHRINK ? UP : mode));
  DUST_TRY(snap(&end, &end, voxel_size, mode));
  return from_begin_end(out, &begin, &end);
}

int dust_roi_format(char *text, size_t size, const dust_roi *roi) {
  if (dust_roi_empty(roi)) return snprintf(text, size, "[empty ROI]");
  char slices[DUST_ROI_TEXT] = "", shape[DUST_COORDINATE_TEXT];
  char *at = slices;
  for (int d = 0; d < roi->shape.ndim; d++) {
    bound begin = begin_of(roi, d), end = end_of(roi, d);
    if (d) at = stpcpy(at, ", ");
    if (!begin.none) at += sprintf(at, "%" PRId64, begin.value);
    at = stpcpy(at, ":");
    if (!end.none) at += sprintf(at, "%" PRId64, end.value);
  }
  dust_coordinate_format(shape, sizeof shape, &roi->shape);
  return snprintf(text, size, "[%s] %s", slices, shape);
}
