/* Two Lua states in two threads at once, each with a pipeline of its own: they share nothing, and the same seed gives both the same batches.
 *
 *     cc -pthread -o two_states scripts/embed/two_states.c $(pkg-config --static --cflags --libs moondust-lua)
 *     ./two_states
 */
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "moondust_lua.h"

static const char script[] =
    "local md = require 'moondust'\n"
    "local seed = ...\n"
    "md.threads(1)\n"
    "local RAW = md.ArrayKey 'RAW'\n"
    "local roi = md.Roi({ 0, 0, 0 }, { 72, 72, 72 })\n"
    "local raw = md.Array{ md.zeros({ 72, 72, 72 }, 'float32'), md.ArraySpec{ roi = roi, voxel_size = { 1, 1, 1 } } }\n"
    "local pipeline = md.ArraySource{ RAW, raw } + md.RandomLocation{}\n"
    "  + md.NoiseAugment{ RAW, clip = false } + md.ElasticAugment{ control_point_spacing = { 8, 8, 8 },\n"
    "      control_point_displacement_sigma = { 1, 1, 1 }, rotation_interval = { 0, 1.5 } }\n"
    "local request = md.BatchRequest{}\n"
    "request:add(RAW, { 32, 32, 32 })\n"
    "local sums = {}\n"
    "for batch in pipeline:batches(request, { count = 8, seed = seed }) do\n"
    "  sums[#sums + 1] = batch[RAW].data:hash()\n"
    "  batch:close()\n"
    "end\n"
    "return table.concat(sums, ' ')\n";

typedef struct job {
  int seed;
  char result[1024];
  int failed;
} job;

static void *run(void *given) {
  job *j = given;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "moondust", luaopen_moondust, 0);
  j->failed = luaL_loadstring(L, script);
  lua_pushinteger(L, j->seed);
  if (!j->failed) j->failed = lua_pcall(L, 1, 1, 0);
  snprintf(j->result, sizeof j->result, "%s", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return NULL;
}

int main(void) {
  job jobs[2] = {{.seed = 3}, {.seed = 3}}, other = {.seed = 4};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    if (pthread_create(&threads[i], NULL, run, &jobs[i]) != 0) return 1;
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  run(&other);
  for (int i = 0; i < 2; i++)
    if (jobs[i].failed) return fprintf(stderr, "%s\n", jobs[i].result), 1;
  printf("two threads, one seed: %s\n", strcmp(jobs[0].result, jobs[1].result) == 0 ? "the same batches" : "DIFFERENT batches");
  printf("another seed: %s\n", strcmp(jobs[0].result, other.result) == 0 ? "the SAME batches" : "other batches");
  return 0;
}
