/* Messages: cut, put in front, kept per thread, made from themselves. */
#include <pthread.h>
#include "check.h"

static dust_status forwards(dust_status status) {
  DUST_TRY(status);
  return DUST_ERROR_UNSUPPORTED;
}

static dust_status cleans_up(dust_status first, int *released) {
  dust_status status;
  DUST_GO(first);
  status = DUST_ERROR_WORLD;
done:
  *released += 1;
  return status;
}

static void *other_thread(void *began_empty) {
  *(bool *)began_empty = strcmp(dust_message(), "") == 0;
  dust_fail(DUST_ERROR_WORLD, "from the other thread");
  return NULL;
}

static void test_threads(void) {
  pthread_t thread;
  bool began_empty = false;
  dust_fail(DUST_ERROR_RANGE, "from this thread");
  CHECK(pthread_create(&thread, NULL, other_thread, &began_empty) == 0);
  pthread_join(thread, NULL);
  CHECK(began_empty);
  CHECK(strcmp(dust_message(), "from this thread") == 0);
}

static void test_long(void) {
  char text[3000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  CHECK(dust_fail(DUST_ERROR_WORLD, "%s", text) == DUST_ERROR_WORLD);
  CHECK(strlen(dust_message()) == 1023);
  CHECK_FAILS(dust_fail_context(DUST_ERROR_RANGE, "file"), DUST_ERROR_RANGE, "file: xxx");
  CHECK(strlen(dust_message()) == 1023);
  CHECK_FAILS(dust_fail_context(DUST_ERROR_RANGE, "%s", text), DUST_ERROR_RANGE, "xxx");
  CHECK(strlen(dust_message()) == 1023);
}

int main(void) {
  CHECK(strcmp(dust_message(), "") == 0);
  CHECK(dust_fail(DUST_ERROR_RANGE, "axis %d", 3) == DUST_ERROR_RANGE);
  CHECK(strcmp(dust_message(), "axis 3") == 0);
  CHECK_FAILS(dust_fail(DUST_ERROR_MEMORY, "%s of %s", dust_message(), dust_message()), DUST_ERROR_MEMORY, "axis 3 of axis 3");
  CHECK(dust_fail_context(DUST_ERROR_WORLD, "raw in %s", "a.h5") == DUST_ERROR_WORLD);
  CHECK(strcmp(dust_message(), "raw in a.h5: axis 3 of axis 3") == 0);
  int released = 0;
  CHECK(forwards(DUST_OK) == DUST_ERROR_UNSUPPORTED && forwards(DUST_ERROR_RANGE) == DUST_ERROR_RANGE);
  CHECK(cleans_up(DUST_OK, &released) == DUST_ERROR_WORLD && cleans_up(DUST_ERROR_MEMORY, &released) == DUST_ERROR_MEMORY && released == 2);
  test_long();
  test_threads();
  return check_done();
}
