/* output.c: PATH.part while it grows, PATH when it is whole; a device or pipe as it is. */
#include "output.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio_ext.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { BLOCK_BYTES = 64 << 10 };

/* Behind the last line feed among the first `end` bytes; negative: it cannot be read. */
static off_t end_of_lines(int fd, off_t end)
{
    char block[BLOCK_BYTES];
    while (end > 0) {
        const off_t from = end > BLOCK_BYTES ? end - BLOCK_BYTES : 0;
        const ssize_t n = pread(fd, block, (size_t)(end - from), from);
        if (n != end - from)
            return -1;
        const char *last = memrchr(block, '\n', (size_t)n);
        if (last)
            return from + (last + 1 - block);
        end = from;
    }
    return 0;
}

/* Opens what an earlier run has left, and cuts a last line that it could not finish. */
static int keep_lines(struct output *o, int fd, struct err *err)
{
    errno = EIO;
    o->kept_bytes = end_of_lines(fd, lseek(fd, 0, SEEK_END));
    o->kept = fopen(o->part, "re");
    if (!o->kept || o->kept_bytes < 0 || ftruncate(fd, o->kept_bytes) != 0 ||
        lseek(fd, 0, SEEK_END) < 0)
        return err_set(err, -errno, "%s: %s", o->part, strerror(errno));
    return 0;
}

/* Forgets what an earlier run has left. */
static int drop_lines(struct output *o, int fd, struct err *err)
{
    o->dropped = lseek(fd, 0, SEEK_END) > 0;
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_set(err, -errno, "%s: %s", o->part, strerror(errno));
    return 0;
}

static void close_kept(struct output *o)
{
    if (o->kept)
        fclose(o->kept);
    o->kept = NULL;
}

int output_open(struct output *ret, const char *path, bool resume, struct err *err)
{
    TRY(path ? file_may_be(path, err) : 0);
    struct output o = {.file = stdout};
    if (path && strcmp(path, "-") != 0 && file_is_stream(path)) {
        o.file = fopen(path, "we");
        if (!o.file)
            return err_set(err, -errno, "%s: %s", path, strerror(errno));
    } else if (path && strcmp(path, "-") != 0) {
        if (snprintf(o.path, sizeof o.path, "%s", path) + 6 >= PATH_MAX)
            return err_set(err, -ENAMETOOLONG, "%.200s...: name too long", path);
        snprintf(o.part, sizeof o.part, "%.*s.part", PATH_MAX - 6, path);
        int fd = open(o.part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return err_set(err, -errno, "%s: %s", o.part, strerror(errno));
        int rc = 0;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
            rc = err_set(err, -EBUSY, "%s: another run writes it", o.part);
        else
            rc = resume ? keep_lines(&o, fd, err) : drop_lines(&o, fd, err);
        if (rc < 0) {
            close(fd);
            close_kept(&o);
            return rc;
        }
        o.file = fdopen(fd, "w");
        CHECK(o.file);
    }
    *ret = o;
    return 0;
}

/* What the file has then is a beginning of what was to be written, and stays one: nothing is written
 * after a hole. */
static int cannot_write(struct output *o, struct err *err)
{
    int code = errno ? errno : EIO;
    o->failed = true;
    if (!o->path[0])
        return err_set(err, -code, "cannot write the verdicts: %s", strerror(code));
    return err_set(err, -code, "cannot write the verdicts to %s: %s; --resume goes on from there",
                   o->part, strerror(code));
}

int output_line(struct output *o, const char *line, struct err *err)
{
    CHECK(!o->failed);
    return fprintf(o->file, "%s\n", line) < 0 ? cannot_write(o, err) : 0;
}

int output_flush(struct output *o, struct err *err)
{
    CHECK(!o->failed);
    return fflush(o->file) != 0 ? cannot_write(o, err) : 0;
}

int output_commit(struct output *o, struct err *err)
{
    char folder[PATH_MAX];
    TRY(output_flush(o, err));
    if (o->path[0] && fsync(fileno(o->file)) != 0)
        return cannot_write(o, err);
    if (!o->path[0]) {
        output_leave(o);
        return 0;
    }
    if (rename(o->part, o->path) != 0) {
        o->failed = true;
        return err_set(err, -errno, "%s: %s; the verdicts are in %s", o->path, strerror(errno),
                       o->part);
    }
    fclose(o->file);
    o->file = NULL;
    snprintf(folder, sizeof folder, "%s", o->path);
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    output_leave(o);
    return 0;
}

bool output_leave(struct output *o)
{
    struct stat st;
    bool some = false;
    if (o->file && o->failed)
        __fpurge(o->file);
    if (o->file && o->path[0]) {
        (void)fflush(o->file);
        some = fstat(fileno(o->file), &st) == 0 && st.st_size > 0;
        if (!some)
            unlink(o->part);
    }
    if (o->file && o->file != stdout)
        fclose(o->file);
    o->file = NULL;
    close_kept(o);
    return some;
}
