/* What one-hot and binarize share: uint8 channels made of labels, a block of ids read once for all channels. */
#ifndef DUST_KERNEL_LABEL_CHANNELS_H
#define DUST_KERNEL_LABEL_CHANNELS_H

#include "base/pool.h"
#include "volume/ndarray.h"

/* Fills n elements of every channel, `plane` bytes apart, from n ids. */
typedef void (*dust_label_channels_body)(const void *context, uint8_t *out, int64_t plane, const uint64_t *id, size_t n);

/* The same of labels that are uint8 and lie side by side, as they are. */
typedef void (*dust_byte_channels_body)(const void *context, uint8_t *out, int64_t plane, const uint8_t *id, size_t n);

/* `bytes` NULL: bytes come as ids too. out (made by the function): uint8 (channels, labels' axes…). Float labels, or ones with no axis to spare: DUST_ERROR_ARGUMENT. */
dust_status dust_label_channels(dust_ndarray *out, const dust_ndarray *labels, int64_t channels, dust_label_channels_body body,
                                dust_byte_channels_body bytes, const void *context, dust_pool *pool);

#endif
