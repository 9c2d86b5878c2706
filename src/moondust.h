/* Moondust's C core in one header: arrays, ROIs, graphs, transforms, distances and the other kernels, HDF5 and PNG files. No Lua in it.
 *
 *     cc host.c $(pkg-config --static --cflags --libs moondust)
 *
 * Every function that can fail returns a dust_status; dust_message() says in a sentence what was wrong. Values (dust_coordinate, dust_roi) are copied and hold
 * nothing; an array or a graph is released by whoever made it. A NULL pool means the calling thread. Nothing is started, and nothing has to be ended: the only
 * process-wide state are the counters of memory, the choice of allocator (dust_mem_use) and of instruction set (dust_isa_use), and a lock around HDF5.
 * C11; a C++ program keeps its use of this in a C file. Headers that are not named here are the kernels' own.
 */
#ifndef MOONDUST_H
#define MOONDUST_H

#include "base/dtype.h"
#include "base/isa.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/status.h"
#include "kernel/affinities.h"
#include "kernel/arithmetic.h"
#include "kernel/balance.h"
#include "kernel/binarize.h"
#include "kernel/boundary_distance.h"
#include "kernel/channels.h"
#include "kernel/colorize.h"
#include "kernel/compare.h"
#include "kernel/components.h"
#include "kernel/copy.h"
#include "kernel/distance_mask.h"
#include "kernel/erode.h"
#include "kernel/exclude.h"
#include "kernel/fold.h"
#include "kernel/gamma.h"
#include "kernel/grow_boundary.h"
#include "kernel/hash.h"
#include "kernel/integral.h"
#include "kernel/intensity.h"
#include "kernel/label_channels.h"
#include "kernel/local_shape.h"
#include "kernel/max_channels.h"
#include "kernel/noise.h"
#include "kernel/one_hot.h"
#include "kernel/pad.h"
#include "kernel/rasterize.h"
#include "kernel/reduce.h"
#include "kernel/resample.h"
#include "kernel/resize.h"
#include "kernel/scale_shift.h"
#include "kernel/slab.h"
#include "kernel/stack.h"
#include "kernel/synthesize.h"
#include "kernel/transform.h"
#include "kernel/unique.h"
#include "kernel/within.h"
#include "store/hdf5.h"
#include "store/png.h"
#include "volume/coordinate.h"
#include "volume/graph.h"
#include "volume/ndarray.h"
#include "volume/roi.h"
#include "volume/spec.h"

#endif
