/* Specs: what is known or wanted of an array or a graph. Plain values with "not said" for every field, as in gunpowder's
 * ArraySpec and GraphSpec. */
#ifndef DUST_VOLUME_SPEC_H
#define DUST_VOLUME_SPEC_H

#include "base/dtype.h"
#include "volume/roi.h"

typedef enum dust_maybe { DUST_UNSAID = -1, DUST_NO = 0, DUST_YES = 1 } dust_maybe;

typedef struct dust_array_spec {
  bool has_roi, has_voxel_size;
  dust_roi roi;
  dust_coordinate voxel_size;
  dust_maybe interpolatable;
  bool nonspatial;  /* neither ROI nor voxel size */
  bool placeholder; /* counts for ROI arithmetic, is never delivered */
  dust_dtype dtype; /* DUST_DTYPE_NONE: not said */
} dust_array_spec;

typedef struct dust_graph_spec {
  bool has_roi;
  dust_roi roi;
  dust_maybe directed;
  bool placeholder;
  dust_dtype dtype; /* of locations: float32 (upstream's default) or float64 */
} dust_graph_spec;

dust_array_spec dust_array_spec_default(void);
dust_graph_spec dust_graph_spec_default(void);
/* Nonspatial with ROI or voxel size, ROI and voxel size of different rank, voxel size <= 0: DUST_ERROR_ARGUMENT. */
dust_status dust_array_spec_check(const dust_array_spec *spec);
dust_status dust_graph_spec_check(const dust_graph_spec *spec);
bool dust_array_spec_equal(const dust_array_spec *a, const dust_array_spec *b);
bool dust_graph_spec_equal(const dust_graph_spec *a, const dust_graph_spec *b);
/* upstream's update_with: ROIs are united, what `other` says replaces what `spec` says (placeholder and nonspatial always say
 * something). The result is checked; after a failure `spec` is as it was. */
dust_status dust_array_spec_update(dust_array_spec *spec, const dust_array_spec *other);
dust_status dust_graph_spec_update(dust_graph_spec *spec, const dust_graph_spec *other);
/* "ROI: …, voxel size: …, interpolatable: true, …", fields in upstream's order, nil where not said. Return the length needed as
 * snprintf does. */
int dust_array_spec_format(char *text, size_t size, const dust_array_spec *spec);
int dust_graph_spec_format(char *text, size_t size, const dust_graph_spec *spec);

#endif
