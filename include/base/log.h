/* log.h: one line a message on stderr: time in UTC, level, key=value; written by the edges (main
 * files) only. Library code returns errors instead. Foreign bytes go through log_escape first. */
#ifndef ASSAY_BASE_LOG_H
#define ASSAY_BASE_LOG_H

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/str.h"

/* Where lines go, instead of to stderr; one of the whole program. */
__attribute__((weak)) void (*log_sink)(const char *line, size_t n);

__attribute__((format(printf, 2, 3))) static inline void log_line(const char *level,
                                                                  const char *fmt, ...)
{
    char text[2048];
    struct timespec now;
    struct tm tm;
    va_list ap;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char line[sizeof text + 64];
    int n = snprintf(line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s\n",
                     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                     now.tv_nsec / 1000000, level, text);
    if (log_sink)
        log_sink(line, (size_t)n);
    else
        fputs(line, stderr);
}

#define LOG_INFO(...)  log_line("info", __VA_ARGS__)
#define LOG_WARN(...)  log_line("warn", __VA_ARGS__)
#define LOG_ERROR(...) log_line("error", __VA_ARGS__)

/* Appends `s` with control bytes, quotes and backslashes escaped: safe for terminals and logs. */
static inline void log_escape(struct buf *out, struct str s, size_t max)
{
    for (size_t i = 0; i < s.len && i < max; i++) {
        unsigned char c = (unsigned char)s.s[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            buf_printf(out, "\\x%02x", c);
        else
            buf_char(out, (char)c);
    }
    if (s.len > max)
        buf_puts(out, "...");
}

#endif
