/* The scene that a synthetic volume shows: where cells, organelles and synapses are. For synthesize*.c only.
 *
 * Scene units are nanometres after warping, with z squeezed so that cells are longer along z. Cells sit on a cubic lattice of
 * pitch SCENE_PITCH, one a lattice place, jittered; whatever belongs to a cell (its organelle, its synapse) lies within two
 * places of it, so a look at 5x5x5 places finds all that matters.
 */
#ifndef DUST_KERNEL_SYNTHESIZE_SCENE_H
#define DUST_KERNEL_SYNTHESIZE_SCENE_H

#include "kernel/random_field.h"
#include "kernel/synthesize.h"

#define SCENE_PITCH 400.0f
#define SCENE_SQUEEZE 0.6f /* scene units a nm along z */
#define SCENE_REACH 2      /* lattice places to look at on each side */
#define SCENE_OCTAVES 2

typedef struct dust_cell {
  float at[3], weight; /* of the power diagram: |p - at|^2 - weight */
  int32_t neuron;
  float tone;     /* of its cytoplasm, about 0 */
  float vesicles; /* how likely a place for a vesicle holds one */
  float organelle_at[3], organelle_axis[3][3], organelle_radius[3];
  float organelle_reach;              /* 0: it has none */
  float synapse_at[3], synapse_reach; /* 0: none */
  int32_t synapse_post;               /* lattice index of the other cell */
} dust_cell;

typedef struct dust_scene {
  dust_synthesis_options options;
  dust_field warp[3][SCENE_OCTAVES];
  int64_t base[3], count[3]; /* lattice place of cell[0]; places along zyx */
  dust_cell *cell;
} dust_scene;

extern const float dust_scene_warp_amplitude[SCENE_OCTAVES]; /* nm */

dust_status dust_scene_create(dust_scene *out, const dust_synthesis_options *options);
void dust_scene_release(dust_scene *scene);
/* Seed of a thing of the scene that is drawn by place. */
uint64_t dust_scene_seed(const dust_scene *scene, uint64_t purpose);
/* Lattice indices of the cells around a place in scene units. */
int dust_scene_around(const dust_scene *scene, const float place[3], int32_t *index);
/* World position that is warped to a place in scene units. */
void dust_scene_unwarp(const dust_scene *scene, const float place[3], double world[3]);

/* One plane of the volume at z = options.first + plane. */
dust_status dust_scene_draw_plane(const dust_scene *scene, int64_t plane, uint8_t *raw, uint64_t *neuron_ids, uint8_t *organelles);

#endif
