/* A fuzzer's bytes, taken piece by piece; zeros when they run out. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/status.h"

typedef struct input {
  const uint8_t *data;
  size_t size;
} input;

static inline void take_bytes(input *in, void *out, size_t n) {
  const size_t have = n < in->size ? n : in->size;
  memset(out, 0, n);
  if (have) memcpy(out, in->data, have);
  in->data += have;
  in->size -= have;
}

static inline unsigned take_byte(input *in) {
  uint8_t byte;
  take_bytes(in, &byte, 1);
  return byte;
}

/* Small numbers often, any number now and then. */
static inline int64_t take_number(input *in) {
  int64_t value;
  const unsigned kind = take_byte(in);
  if (kind < 160) return (int64_t)(int8_t)take_byte(in);
  if (kind < 200) return take_byte(in) & 1 ? INT64_MAX - (int64_t)take_byte(in) : INT64_MIN + (int64_t)take_byte(in);
  take_bytes(in, &value, sizeof value);
  return value;
}

#define MUST(condition)                                                                                                              \
  do {                                                                                                                               \
    if (!(condition)) fprintf(stderr, "%s:%d: not so: %s (message: %s)\n", __FILE__, __LINE__, #condition, dust_message()), abort(); \
  } while (0)

#endif
