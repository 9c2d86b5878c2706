/* A synthetic electron-microscopy volume: something to try pipelines on where there is no real data, with labels that are true by
 * construction.
 *
 * What is drawn, in world units taken for nanometres: neurites (a power diagram of jittered seeds, neighbours joined into
 * branching cells, warped by smooth random fields) with dark membranes that blur where a section cuts them at a slant;
 * mitochondria (warped ellipsoids with cristae, clipped to their cell); vesicles, microtubules and synapses with a dark density;
 * cytoplasm of a tone and a grain; and what the microscope adds: shading, brightness that changes from section to section, noise.
 *
 * Every value is a function of seed, shape of the whole, voxel size and place, so a volume made slab by slab is the volume made
 * at once, on any number of threads.
 */
#ifndef DUST_KERNEL_SYNTHESIZE_H
#define DUST_KERNEL_SYNTHESIZE_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef struct dust_synthesis_options {
  int64_t shape[3];      /* of the whole volume, voxels, zyx */
  int64_t voxel_size[3]; /* nm */
  int64_t first, planes; /* the part that is drawn: planes along z */
  uint64_t seed;
} dust_synthesis_options;

typedef struct dust_synthesis {
  dust_ndarray raw;        /* uint8, (planes, y, x) */
  dust_ndarray neuron_ids; /* uint64, the same; 1 and up, no background */
  dust_ndarray organelles; /* uint8, the same; 1 = mitochondrion */
  dust_ndarray locations;  /* float64 (n, 3): synaptic sites inside the whole volume, world units; presynaptic and postsynaptic in turn */
  dust_ndarray ids;        /* uint64 (n): 1 … n */
  dust_ndarray types;      /* uint8 (n): 1 presynaptic, 2 postsynaptic */
  dust_ndarray partners;   /* uint64 (n / 2, 2): ids of the two sites of a synapse */
} dust_synthesis;

/* On failure nothing is held. */
dust_status dust_synthesize_volume(dust_synthesis *out, const dust_synthesis_options *options, dust_pool *pool);
void dust_synthesis_release(dust_synthesis *synthesis);

#endif
