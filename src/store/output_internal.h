/* What the files output*.c share. */
#ifndef DUST_STORE_OUTPUT_INTERNAL_H
#define DUST_STORE_OUTPUT_INTERNAL_H

#include "store/output.h"

/* Whether a test wants this call to fail; errno is set then. */
bool dust_output_fails(dust_output_call call);
/* One output of the process at a time has a target; the path is that where links end. */
dust_status dust_output_claim(const char *path, const char *shown);
void dust_output_unclaim(const char *path);
long dust_output_written_in_place(void); /* files that are open so */
/* DUST_ERROR_WORLD when this process must not replace (or, in_place, change) that file. */
dust_status dust_output_check_id(const char *path, dust_output_file_id id, bool in_place);

#endif
