/* events.h: a run's metrics as TensorBoard reads them: RUN/events.out.tfevents.assay. */
#ifndef ASSAY_RL_EVENTS_H
#define ASSAY_RL_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define EVENTS_NAME "events.out.tfevents.assay"

struct events;

/* Opens or makes the file at `path` so that it holds one event for each line of the metrics file at
 * `metrics` (which may be absent) and no other: what is there and whole is kept, what a killed run
 * lost is made again. */
int events_open(const char *path, const char *metrics, struct events **ret, struct err *err);
/* One more line of metrics (borrowed), flushed. */
int events_line(struct events *e, const json_t *line, struct err *err);
void events_close(struct events *e);

/* Appends one record: length, its checksum, the bytes, their checksum. */
void events_record(struct buf *out, struct str bytes);
/* CRC-32C (Castagnoli) as RFC 3720 has it. */
uint32_t events_crc32c(struct str bytes);

#endif
