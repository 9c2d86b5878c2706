/* Positions are kept as doubles in voxels until the last step, so that a node light-years away costs nothing and overflows
 * nothing: of a line only the part that may touch the canvas is walked. */
#include "kernel/rasterize.h"

#include <math.h>
#include <string.h>
#include "kernel/pad.h"

typedef struct pen {
  const dust_canvas *canvas;
  dust_ndarray *out;
  size_t size;
  char element[8];
} pen;

/* `position`: whole voxels from world position 0. */
static void dot(const pen *p, const double *position) {
  char *at = p->out->data;
  for (int d = 0; d < p->canvas->ndim; d++) {
    double inside = position[d] - (double)p->canvas->begin[d];
    if (!(inside >= 0 && inside < (double)p->canvas->shape[d])) return;
    at += (int64_t)inside * p->out->stride[d];
  }
  memcpy(at, p->element, p->size);
}

static void voxel_of(const dust_canvas *canvas, const double *location, double *voxel) {
  for (int d = 0; d < canvas->ndim; d++) voxel[d] = floor(location[d] / (double)canvas->voxel_size[d]);
}

/* The steps first … last of 0 … steps at which a line may be on the canvas. */
static void clip(const dust_canvas *canvas, const double *from, const double *delta, double steps, double *first, double *last) {
  *first = 0, *last = steps;
  for (int d = 0; d < canvas->ndim; d++) {
    double low = (double)canvas->begin[d] - 1 - from[d], high = (double)canvas->begin[d] + (double)canvas->shape[d] + 1 - from[d];
    if (delta[d] == 0) {
      if (low > 0 || high < 0) *last = -1;
      continue;
    }
    double a = low / delta[d] * steps, b = high / delta[d] * steps;
    *first = fmax(*first, floor(fmin(a, b)) - 1);
    *last = fmin(*last, ceil(fmax(a, b)) + 1);
  }
}

/* There, doubles don't tell voxels apart, nor steps from one such place to another. */
static bool too_far(const dust_canvas *canvas, const double *voxel) {
  for (int d = 0; d < canvas->ndim; d++)
    if (!(fabs(voxel[d]) < 0x1p52)) return true;
  return false;
}

/* numpy's linspace from one voxel to the other, a step a voxel along the longest axis; its arithmetic decides where halves fall.
 * */
static void line(const pen *p, const double *from, const double *to) {
  int n = p->canvas->ndim;
  double delta[DUST_MAXDIM], steps = 0, first, last;
  bool level = false;
  for (int d = 0; d < n; d++) {
    delta[d] = to[d] - from[d];
    steps = fmax(steps, fabs(delta[d]));
    level = level || delta[d] == 0;
  }
  if (steps == 0) {
    dot(p, from);
    return;
  }
  clip(p->canvas, from, delta, steps, &first, &last);
  for (double i = first; i <= last; i++) {
    double at[DUST_MAXDIM];
    for (int d = 0; d < n; d++) at[d] = i == steps ? to[d] : nearbyint((level ? i / steps * delta[d] : i * (delta[d] / steps)) + from[d]);
    dot(p, at);
  }
}

static size_t find_attr(const dust_graph *graph, bool of_edges, const char *name) {
  size_t count = dust_graph_attr_count(graph, of_edges);
  for (size_t k = 0; k < count; k++)
    if (strcmp(dust_graph_attr_name(graph, of_edges, k), name) == 0) return k;
  return SIZE_MAX;
}

/* The pen takes the item's colour; *draw = false where it has none. */
static dust_status take_color(pen *p, const dust_graph *graph, bool of_edges, size_t attr, size_t item, bool *draw) {
  *draw = false;
  if (attr == SIZE_MAX) return DUST_OK;
  double value = dust_graph_attr(graph, of_edges, attr, item, draw);
  if (!*draw) return DUST_OK;
  dust_status status = dust_pad_element(p->element, p->canvas->dtype, value);
  return status ? dust_fail_context(status, "the colour of %s %zu", of_edges ? "edge" : "node", item + 1) : DUST_OK;
}

static dust_status draw_nodes(pen *p, const dust_graph *graph, const char *color) {
  size_t count = dust_graph_node_count(graph), attr = color ? find_attr(graph, false, color) : SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    bool draw = true;
    double voxel[DUST_MAXDIM];
    if (dust_graph_temporary(graph, i)) continue;
    if (color) DUST_TRY(take_color(p, graph, false, attr, i, &draw));
    if (!draw) continue;
    voxel_of(p->canvas, dust_graph_location(graph, i), voxel);
    dot(p, voxel);
  }
  return DUST_OK;
}

static dust_status draw_edges(pen *p, const dust_graph *graph, const char *color) {
  size_t count = dust_graph_edge_count(graph), attr = color ? find_attr(graph, true, color) : SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    bool draw = true;
    double from[DUST_MAXDIM], to[DUST_MAXDIM];
    int64_t u, v;
    if (color) DUST_TRY(take_color(p, graph, true, attr, i, &draw));
    if (!draw) continue;
    dust_graph_edge(graph, i, &u, &v);
    voxel_of(p->canvas, dust_graph_location(graph, dust_graph_find(graph, u)), from);
    voxel_of(p->canvas, dust_graph_location(graph, dust_graph_find(graph, v)), to);
    if (too_far(p->canvas, from) || too_far(p->canvas, to))
      return dust_fail(DUST_ERROR_RANGE, "the edge from node %lld to node %lld ends more than 2^52 voxels away: no line can be drawn there",
                       (long long)u, (long long)v);
    line(p, from, to);
  }
  return DUST_OK;
}

dust_status dust_draw_graph(dust_ndarray *out, const dust_graph *graph, const dust_canvas *canvas, bool edges, const char *color) {
  if (dust_graph_ndim(graph) != canvas->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "the graph has %d axes, the box to draw it in %d", dust_graph_ndim(graph), canvas->ndim);
  for (int d = 0; d < canvas->ndim; d++)
    if (canvas->voxel_size[d] < 1)
      return dust_fail(DUST_ERROR_ARGUMENT, "the voxel size of axis %d is %lld, it must be 1 or more", d + 1,
                       (long long)canvas->voxel_size[d]);
  dust_ndarray made = {0};
  dust_status status;
  pen p = {.canvas = canvas, .out = &made, .size = dust_dtype_size(canvas->dtype)};
  DUST_GO(dust_ndarray_zeros(&made, canvas->dtype, canvas->ndim, canvas->shape));
  DUST_GO(dust_pad_element(p.element, canvas->dtype, 1));
  DUST_GO(draw_nodes(&p, graph, color));
  if (edges) DUST_GO(draw_edges(&p, graph, color));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  return status;
}
