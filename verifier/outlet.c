/* outlet.c: stderr without waiting for its reader.
 *
 * A pipe that nobody empties, or a terminal that was stopped, would hold the loop at the next line of
 * its log. To switch the descriptor to non-blocking would do so for everybody who shares it: the
 * helpers, and whoever started the verifier. A pipe or a terminal can be opened once more, for this
 * process alone. A file does not wait; of anything else it is asked first whether it takes a
 * line, which is right unless another process gets in between. */
#include "outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { LAST_MS = 500, PIECE_BYTES = 4096 };

static struct {
    bool open;
    int fd;
    struct buf kept;
    size_t written; /* of what is kept */
    long dropped, told;
} outlet = {.fd = STDERR_FILENO};

static int own_descriptor(void)
{
    struct stat st;
    if (fstat(STDERR_FILENO, &st) != 0 || (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)))
        return STDERR_FILENO;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? STDERR_FILENO : fd;
}

void outlet_open(void)
{
    outlet.open = true;
    outlet.fd = own_descriptor();
    log_sink = outlet_put;
}

static bool takes_more(int ms)
{
    struct pollfd p = {.fd = outlet.fd, .events = POLLOUT};
    return poll(&p, 1, ms) == 1;
}

/* Writes what the reader takes. What cannot be written at all is forgotten. */
static void write_kept(void)
{
    while (outlet.written < outlet.kept.len && takes_more(0)) {
        size_t n = outlet.kept.len - outlet.written;
        ssize_t wrote =
            write(outlet.fd, outlet.kept.s + outlet.written, n < PIECE_BYTES ? n : PIECE_BYTES);
        if (wrote < 0 && errno == EAGAIN)
            return;
        if (wrote < 0 && errno != EINTR)
            outlet.written = outlet.kept.len;
        outlet.written += wrote > 0 ? (size_t)wrote : 0;
    }
    if (outlet.written == outlet.kept.len)
        outlet.kept.len = outlet.written = 0;
}

void outlet_put(const char *text, size_t n)
{
    if (!outlet.open) {
        fwrite(text, 1, n, stderr);
        return;
    }
    if (outlet.written > OUTLET_BYTES_MAX / 2) {
        outlet.kept.len -= outlet.written;
        memmove(outlet.kept.s, outlet.kept.s + outlet.written, outlet.kept.len);
        outlet.written = 0;
    }
    if (outlet.kept.len + n > OUTLET_BYTES_MAX) {
        outlet.dropped++;
        return;
    }
    buf_add(&outlet.kept, text, n);
    write_kept();
}

void outlet_say(const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    outlet_put(buf_view(&text).s, text.len);
    buf_free(&text);
}

bool outlet_flush(void)
{
    write_kept();
    if (outlet.kept.len == 0 && outlet.told < outlet.dropped) {
        const long lost = outlet.dropped - outlet.told;
        outlet.told = outlet.dropped;
        LOG_WARN("log=dropped lines=%ld why=\"nobody read them\"", lost);
    }
    return outlet.kept.len > 0;
}

long outlet_dropped(void)
{
    return outlet.dropped;
}

void outlet_close(void)
{
    while (outlet.open && outlet_flush() && takes_more(LAST_MS))
        ;
    if (outlet.fd != STDERR_FILENO)
        close(outlet.fd);
    buf_free(&outlet.kept);
    outlet.written = 0;
    outlet.open = false;
    outlet.fd = STDERR_FILENO;
    log_sink = NULL;
}
