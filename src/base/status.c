/* One message buffer per thread. What names and paths have of control characters is written out. A new message is put together aside first, since its arguments may point into the old one. */
#include "base/status.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/printable.h"

#define MESSAGE_SIZE 1024

static _Thread_local char message[MESSAGE_SIZE];

dust_status dust_fail(dust_status status, const char *format, ...) {
  char text[MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  dust_printable(message, sizeof message, text, strlen(text));
  return status;
}

dust_status dust_fail_context(dust_status status, const char *format, ...) {
  char text[MESSAGE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  char shown[MESSAGE_SIZE];
  dust_printable(shown, sizeof shown, text, strlen(text));
  memcpy(text, shown, sizeof text);
  strncat(text, ": ", sizeof text - 1 - strlen(text));
  strncat(text, message, sizeof text - 1 - strlen(text));
  memcpy(message, text, sizeof text);
  return status;
}

const char *dust_message(void) { return message; }
