/* outlet.h: lines for people, on a descriptor that nobody may be reading. */
#ifndef ASSAY_OUTLET_H
#define ASSAY_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

enum { OUTLET_BYTES_MAX = 256 << 10 };

/* Takes stderr over, for the process's log (base/log.h) as well. Before that all is written as it
 * comes. */
void outlet_open(void);

/* Writes the lines, or keeps them until the reader goes on, or drops them where OUTLET_BYTES_MAX are
 * kept already. Never waits. */
void outlet_put(const char *text, size_t n);

__attribute__((format(printf, 1, 2))) void outlet_say(const char *fmt, ...);

/* Tries to write what is kept; whether something still is. When all is out, and something was
 * dropped, a line says so. */
bool outlet_flush(void);

/* How many times something was dropped. */
long outlet_dropped(void);

/* Gives stderr back, after a moment's wait for a reader where something is kept. */
void outlet_close(void);

#endif
