/* Drawing, growing, resizing and binarizing where Lua can't reach: every allocation failing in turn, requests no machine can
 * meet. */
#include "check.h"

#include "kernel/binarize.h"
#include "kernel/rasterize.h"
#include "kernel/resize.h"

static const int64_t SHAPE[] = {6, 7, 8};
static const double ONE[] = {1, 1, 1};

static dust_canvas canvas_of(dust_dtype dtype) {
  dust_canvas canvas = {.ndim = 3, .voxel_size = {2, 1, 1}, .dtype = dtype};
  memcpy(canvas.shape, SHAPE, sizeof SHAPE);
  return canvas;
}

static dust_graph *make_graph(void) {
  dust_graph *graph = NULL;
  dust_graph_spec spec = {.dtype = DUST_FLOAT64};
  CHECK_OK(dust_graph_create(&graph, &spec, 3));
  CHECK_OK(dust_graph_add_node(graph, 1, (const double[]){1, 1, 1}, false));
  CHECK_OK(dust_graph_add_node(graph, 2, (const double[]){9, 5, 7}, false));
  CHECK_OK(dust_graph_add_node(graph, 3, (const double[]){0, 0, 0}, true));
  CHECK_OK(dust_graph_add_edge(graph, 1, 2));
  CHECK_OK(dust_graph_set_node_attr(graph, 0, "kind", 3));
  CHECK_OK(dust_graph_set_edge_attr(graph, 0, "kind", 300));
  return graph;
}

static dust_status draw_and_grow(void *context) {
  const dust_graph *graph = context;
  dust_ndarray drawn = {0}, out[2] = {{0}};
  dust_canvas canvas = canvas_of(DUST_UINT16);
  dust_status status;
  DUST_GO(dust_draw_graph(&drawn, graph, &canvas, true, NULL));
  DUST_GO(dust_grow_balls(&out[0], &drawn, ONE, (const double[]){2, 2, 2}, .5, NULL));
  DUST_GO(dust_grow_peaks(&out[1], &drawn, ONE, ONE, DUST_FLOAT32, NULL));
done:
  dust_ndarray_release(&drawn);
  for (int i = 0; i < 2; i++) dust_ndarray_release(&out[i]);
  return status;
}

static dust_status resize_and_group(void *context) {
  const dust_ndarray *in = context;
  dust_ndarray out[4] = {{0}};
  const double twice[] = {2, 2}, at[] = {.5, .5};
  const int64_t half[] = {3, 4}, begin[] = {0, 2, 2};
  dust_status status;
  for (int mode = 0; mode < 3; mode++) DUST_GO(dust_resize_array(&out[mode], in, 2, half, twice, at, (dust_resize_mode)mode, NULL));
  DUST_GO(dust_binarize(&out[3], in, 2, begin, (const uint64_t[]){1, 2}, 0, NULL));
done:
  for (int i = 0; i < 4; i++) dust_ndarray_release(&out[i]);
  return status;
}

static void test_drawing(const dust_graph *graph) {
  dust_ndarray out = {0};
  dust_canvas canvas = canvas_of(DUST_UINT8);
  CHECK_FAILS(dust_draw_graph(&out, graph, &canvas, true, "kind"), DUST_ERROR_RANGE, "the colour of edge 1: 300 doesn't fit uint8");
  CHECK_OK(dust_draw_graph(&out, graph, &canvas, false, "kind"));
  int64_t sum = 0;
  for (int64_t i = 0; i < dust_ndarray_count(&out); i++) sum += out.data[i];
  CHECK(sum == 3); /* node 2 has no colour, node 3 is temporary */
  dust_ndarray_release(&out);
  canvas.shape[0] = canvas.shape[1] = INT64_C(1) << 31;
  CHECK(dust_draw_graph(&out, graph, &canvas, true, NULL) == DUST_ERROR_MEMORY);
  canvas.voxel_size[2] = 0;
  CHECK_FAILS(dust_draw_graph(&out, graph, &canvas, true, NULL), DUST_ERROR_ARGUMENT, "the voxel size of axis 3 is 0");
}

/* A view of 2^60 voxels that repeat one element: outputs must be refused before anything is touched. */
static void test_too_large(const dust_ndarray *in) {
  dust_ndarray huge = {0}, one = {0}, out = {0};
  const int64_t shape[] = {1 << 20, 1 << 20, 1 << 20}, begin[] = {0, 0};
  CHECK_OK(dust_ndarray_crop(&one, in, (const int64_t[]){0, 0, 0}, (const int64_t[]){1, 1, 1}));
  CHECK_OK(dust_ndarray_broadcast(&huge, &one, 3, shape));
  CHECK(dust_grow_balls(&out, &huge, ONE, ONE, 0, NULL) == DUST_ERROR_MEMORY);
  CHECK(dust_grow_peaks(&out, &huge, ONE, ONE, DUST_FLOAT64, NULL) == DUST_ERROR_MEMORY);
  CHECK(dust_binarize(&out, &huge, 1, begin, NULL, 0, NULL) == DUST_ERROR_MEMORY);
  CHECK(dust_resize_array(&out, &huge, 3, shape, ONE, (const double[]){0, 0, 0}, DUST_RESIZE_LINEAR, NULL) == DUST_ERROR_MEMORY);
  CHECK(dust_resize_array(&out, in, 3, (const int64_t[]){INT64_MAX, 7, 8}, (const double[]){1e-19, 1, 1}, (const double[]){0, 0, 0},
                          DUST_RESIZE_NEAREST, NULL) == DUST_ERROR_MEMORY);
  dust_ndarray_release(&huge), dust_ndarray_release(&one);
}

int main(void) {
  dust_graph *graph = make_graph();
  dust_ndarray in = {0};
  CHECK_OK(dust_ndarray_zeros(&in, DUST_UINT8, 3, SHAPE));
  for (int64_t i = 0; i < dust_ndarray_count(&in); i++) in.data[i] = (char)(i % 5);
  check_every_allocation("draw and grow", draw_and_grow, graph);
  test_drawing(graph);
  test_too_large(&in);
  dust_ndarray plane = {0};
  CHECK_OK(dust_ndarray_crop(&plane, &in, (const int64_t[]){0, 0, 0}, (const int64_t[]){6, 6, 8}));
  check_every_allocation("resize and binarize", resize_and_group, &plane);
  dust_ndarray_release(&plane);
  dust_ndarray_release(&in);
  dust_graph_release(graph);
  return check_done();
}
