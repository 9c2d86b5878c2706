/* Status and messages: how every C function of Moondust reports a fault.
 *
 * A function that can fail returns a dust_status (0 = DUST_OK). Where the fault is found, dust_fail() writes one
 * sentence a person can act on into a thread-local buffer and returns the status; callers only forward it. The text stays valid
 * until the next dust_fail() on the same thread. Nothing here allocates, so running out of memory can be reported too.
 */
#ifndef DUST_BASE_STATUS_H
#define DUST_BASE_STATUS_H

typedef enum dust_status {
  DUST_OK = 0,
  DUST_ERROR_MEMORY,      /* an allocation failed or was refused */
  DUST_ERROR_ARGUMENT,    /* the caller's values make no sense: wrong dtype, shapes that differ, off the grid … */
  DUST_ERROR_RANGE,       /* a place outside of what there is: ROI, index, overflow of a world coordinate */
  DUST_ERROR_WORLD,       /* the outside said no: file missing, truncated, dataset absent, filter plugin missing */
  DUST_ERROR_UNSUPPORTED, /* understood, but this build or format can't do it */
} dust_status;

#if defined(__GNUC__)
#define DUST_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define DUST_PRINTF(format_index, first)
#endif

/* Writes the message of this thread and returns `status`. A message longer than the buffer (1 KiB) is cut. */
dust_status dust_fail(dust_status status, const char *format, ...) DUST_PRINTF(2, 3);

/* Puts `format…` and ": " in front of this thread's message; returns `status`. For callers that know the file or the key. */
dust_status dust_fail_context(dust_status status, const char *format, ...) DUST_PRINTF(2, 3);

/* The last message written on this thread; "" when there was none. */
const char *dust_message(void);

/* Forwards a failure to the caller; for functions that hold nothing yet. */
#define DUST_TRY(expression)                    \
  do {                                          \
    dust_status dust_try_ = (expression);       \
    if (dust_try_ != DUST_OK) return dust_try_; \
  } while (0)

/* Forwards a failure to the label `done`, which releases what is held. Needs `dust_status status` in scope. */
#define DUST_GO(expression)           \
  do {                                \
    status = (expression);            \
    if (status != DUST_OK) goto done; \
  } while (0)

#endif
