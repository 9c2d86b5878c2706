/* The one rule for edges at a face: what of a line lies in a half-open box.
 *
 *       begin            end
 *     ----[----------------)----
 *     a---t0====b     c====t1--d      t0: the face itself, t1: the last place before the face that the type of the locations can hold
 *     e---t0===============t1--f      both ends outside: the piece in between
 *
 * A line along a lower face is inside, one along an upper face is not; one that only touches an edge or a corner of the box has no
 * piece of any length in it. Where a box is thinner than the steps between places there is none to cut at: no piece.
 */
#include "volume/graph_private.h"

static double lowest(bool narrow, double begin) {
  if (!narrow || isinf(begin)) return begin;
  float rounded = (float)begin;
  return (double)rounded < begin ? nextafterf(rounded, INFINITY) : rounded;
}

static double highest(bool narrow, double end) {
  if (isinf(end)) return end;
  if (!narrow) return nextafter(end, -INFINITY);
  float rounded = (float)end;
  return (double)rounded >= end ? nextafterf(rounded, -INFINITY) : rounded;
}

void dust_clip_box_make(dust_clip_box *box, const dust_graph *graph, const dust_roi *roi) {
  box->ndim = graph->ndim;
  box->narrow = graph->spec.dtype == DUST_FLOAT32;
  for (int d = 0; d < graph->ndim; d++) {
    dust_roi_span(roi, d, &box->begin[d], &box->end[d]);
    box->low[d] = lowest(box->narrow, box->begin[d]);
    box->high[d] = highest(box->narrow, box->end[d]);
  }
}

/* Where between a and b the face is, as a share of the way. */
static double share(double face, double a, double b) {
  double way = b - a;
  return isfinite(way) ? (face - a) / way : (face / 2 - a / 2) / (b / 2 - a / 2);
}

typedef struct crossing {
  int axis; /* -1: none, the line's end is inside */
  double share;
  bool upper;
} crossing;

/* Where the line enters and leaves along axis d, if later and sooner than known; false when it passes by. */
static bool narrow_down(const dust_clip_box *box, int d, double a, double b, crossing *in, crossing *out) {
  double begin = box->begin[d], end = box->end[d];
  bool from_below = a < begin, from_above = a >= end, to_below = b < begin, to_above = b >= end;
  if ((from_below && to_below) || (from_above && to_above)) return false;
  if (from_below || from_above) {
    double at = share(from_below ? begin : end, a, b);
    if (in->axis < 0 || at > in->share) *in = (crossing){d, at, from_above};
  }
  if (to_below || to_above) {
    double at = share(to_below ? begin : end, a, b);
    if (out->axis < 0 || at < out->share) *out = (crossing){d, at, to_above};
  }
  return true;
}

static void place_at(const dust_clip_box *box, const double *u, const double *v, const crossing *at, double *place) {
  for (int d = 0; d < box->ndim; d++) {
    double way = v[d] - u[d];
    place[d] = isfinite(way) ? u[d] + at->share * way : (1 - at->share) * u[d] + at->share * v[d];
    if (d == at->axis) place[d] = at->upper ? box->high[d] : box->low[d];
    place[d] = fmin(fmax(place[d], box->low[d]), box->high[d]);
    if (box->narrow) place[d] = (float)place[d]; /* rounds to no more than low or high: both are floats */
  }
}

bool dust_clip_line(const dust_clip_box *box, const double *u, const double *v, double *from, double *to) {
  crossing in = {.axis = -1, .share = 0}, out = {.axis = -1, .share = 1};
  for (int d = 0; d < box->ndim; d++) {
    if (box->low[d] > box->high[d] || !narrow_down(box, d, u[d], v[d], &in, &out)) return false;
  }
  if (in.axis < 0 && out.axis < 0) {
    memcpy(from, u, box->ndim * sizeof *from);
    memcpy(to, v, box->ndim * sizeof *to);
    return true; /* both inside: an edge, if of no length */
  }
  if (!(in.share < out.share)) return false;
  memcpy(from, u, box->ndim * sizeof *from);
  memcpy(to, v, box->ndim * sizeof *to);
  if (in.axis >= 0) place_at(box, u, v, &in, from);
  if (out.axis >= 0) place_at(box, u, v, &out, to);
  for (int d = 0; d < box->ndim; d++) {
    if (from[d] != to[d]) return true;
  }
  return false;
}
