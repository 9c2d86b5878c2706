/* Heckbert's median cut (Color image quantization for frame buffer display, 1982): the colours that occur are put into a box; the
 * box that matters most (squared extent times the root of its pixels, so that thin lines and letters keep their colours) is cut
 * across its longest side, at the median pixel, until there are enough. A box's pixels take its mean colour.
 *
 *     pixels -> distinct colours with counts -> boxes (stretches of the list) -> palette; index of a colour = its box
 */
#include "kernel/palette.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

typedef struct color {
  uint32_t rgb; /* 0xrrggbb */
  uint32_t key; /* of the channel that its box was cut along last; the index in the end */
  int64_t count;
} color;

typedef struct box {
  size_t first, stop; /* in the list of colours */
  int channel, extent;
  int64_t count;
} box;

static int channel_of(uint32_t rgb, int channel) { return (int)(rgb >> (16 - 8 * channel) & 255); }

static int by_number(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int by_key(const void *a, const void *b) {
  const color *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->rgb > y->rgb) - (x->rgb < y->rgb);
}

static int by_rgb(const void *a, const void *b) { return by_number(&((const color *)a)->rgb, &((const color *)b)->rgb); }

static void measure(box *b, const color *list) {
  b->count = 0, b->extent = -1;
  for (size_t i = b->first; i < b->stop; i++) b->count += list[i].count;
  for (int c = 0; c < 3; c++) {
    int low = 255, high = 0;
    for (size_t i = b->first; i < b->stop; i++) {
      const int v = channel_of(list[i].rgb, c);
      if (v < low) low = v;
      if (v > high) high = v;
    }
    if (high - low > b->extent) b->extent = high - low, b->channel = c;
  }
}

/* Where the second half begins: the median pixel, not before the first nor after the last colour. */
static size_t median(const box *b, const color *list) {
  int64_t seen = 0;
  size_t i = b->first;
  while (i + 1 < b->stop && (seen += list[i].count) * 2 < b->count) i++;
  return i == b->first ? i + 1 : i;
}

static size_t cut(box *boxes, size_t count, size_t most, color *list) {
  while (count < most) {
    size_t best = count;
    double weight = 0;
    for (size_t i = 0; i < count; i++) {
      const double own = sqrt((double)boxes[i].count) * boxes[i].extent * boxes[i].extent;
      if (boxes[i].stop - boxes[i].first > 1 && own > weight) weight = own, best = i;
    }
    if (best == count) break;
    box *b = &boxes[best], *other = &boxes[count++];
    for (size_t i = b->first; i < b->stop; i++) list[i].key = (uint32_t)channel_of(list[i].rgb, b->channel);
    qsort(list + b->first, b->stop - b->first, sizeof *list, by_key);
    other->stop = b->stop;
    other->first = b->stop = median(b, list);
    measure(b, list), measure(other, list);
  }
  return count;
}

static void take_means(uint8_t *palette, const box *boxes, size_t count, color *list) {
  for (size_t b = 0; b < count; b++) {
    int64_t sum[3] = {0, 0, 0};
    for (size_t i = boxes[b].first; i < boxes[b].stop; i++) {
      for (int c = 0; c < 3; c++) sum[c] += list[i].count * channel_of(list[i].rgb, c);
      list[i].key = (uint32_t)b;
    }
    for (int c = 0; c < 3; c++) palette[3 * b + (size_t)c] = (uint8_t)((sum[c] + boxes[b].count / 2) / boxes[b].count);
  }
}

static void read_pixels(uint32_t *pixel, const dust_ndarray *image) {
  for (int64_t y = 0; y < image->shape[0]; y++)
    for (int64_t x = 0; x < image->shape[1]; x++) {
      const uint8_t *p = (const uint8_t *)image->data + y * image->stride[0] + x * image->stride[1];
      const int64_t step = image->stride[2];
      *pixel++ = (uint32_t)p[0] << 16 | (uint32_t)p[step] << 8 | p[2 * step];
    }
}

/* Sorted pixels -> distinct colours; how many. */
static size_t count_colors(color *list, const uint32_t *pixel, size_t n) {
  size_t distinct = 0;
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || pixel[i] != pixel[i - 1]) list[distinct++] = (color){.rgb = pixel[i]};
    list[distinct - 1].count++;
  }
  return distinct;
}

dust_status dust_reduce_colors(dust_ndarray *index, dust_ndarray *palette, const dust_ndarray *image, int most) {
  void *pixels = NULL, *colors = NULL;
  dust_ndarray made = {0};
  box boxes[256];
  dust_status status;
  if (image->dtype != DUST_UINT8 || image->ndim != 3 || image->shape[2] != 3)
    return dust_fail(DUST_ERROR_ARGUMENT, "a picture must be uint8 of shape (height, width, 3), not %s with %d axes",
                     dust_dtype_name(image->dtype), image->ndim);
  if (dust_ndarray_count(image) == 0) return dust_fail(DUST_ERROR_ARGUMENT, "a picture of no pixels has no colours");
  if (most < 2 || most > 256) return dust_fail(DUST_ERROR_ARGUMENT, "a palette has 2 to 256 colours, not %d", most);
  const size_t n = (size_t)(image->shape[0] * image->shape[1]);
  DUST_GO(dust_alloc(&pixels, n * sizeof(uint32_t)));
  DUST_GO(dust_alloc(&colors, n * sizeof(color)));
  uint32_t *pixel = pixels;
  color *list = colors;
  read_pixels(pixel, image);
  qsort(pixel, n, sizeof *pixel, by_number);
  boxes[0] = (box){.stop = count_colors(list, pixel, n)};
  const size_t distinct = boxes[0].stop;
  measure(&boxes[0], list);
  const size_t count = cut(boxes, 1, (size_t)most, list);
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, 2, image->shape));
  DUST_GO(dust_ndarray_empty(palette, DUST_UINT8, 2, (const int64_t[]){(int64_t)count, 3}));
  take_means((uint8_t *)palette->data, boxes, count, list);
  qsort(list, distinct, sizeof *list, by_rgb);
  read_pixels(pixel, image);
  for (size_t i = 0; i < n; i++)
    made.data[i] = (char)((const color *)bsearch(&(color){.rgb = pixel[i]}, list, distinct, sizeof *list, by_rgb))->key;
  *index = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  dust_free(pixels);
  dust_free(colors);
  return status;
}
