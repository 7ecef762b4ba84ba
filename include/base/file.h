/* file.h: whole files in, whole files out. Reading also takes gzip (by content) and "-" for stdin.
 * A written file appears under its name complete or not at all: temporary, fsync, rename, fsync. */
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/str.h"

/* Appends the (unzipped) content of `path` to `ret`; -EFBIG past `max` bytes. A truncated or
 * damaged gzip is an error. */
static inline int file_read(const char *path, size_t max, struct buf *ret, struct err *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    int fd =
        from_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        return err_set(err, -EISDIR, "%s: is a folder", path);
    }
    gzFile gz = gzdopen(fd, "rb");
    CHECK(gz);
    gzbuffer(gz, 128 << 10);
    size_t start = ret->len;
    int n, rc = 0, zerr = Z_OK;
    do {
        buf_reserve(ret, 256 << 10);
        n = gzread(gz, ret->s + ret->len, 256 << 10);
        ret->len += n > 0 ? (size_t)n : 0;
        ret->s[ret->len] = 0;
        if (ret->len - start > max)
            rc = err_set(err, -EFBIG, "%s: more than %zu bytes", path, max);
    } while (n > 0 && rc == 0);
    const char *what = gzerror(gz, &zerr);
    if (rc == 0 && (n < 0 || zerr == Z_BUF_ERROR))
        rc = zerr == Z_ERRNO       ? err_set(err, -EIO, "%s: %s", path, strerror(errno))
             : zerr == Z_BUF_ERROR ? err_set(err, -EINVAL, "%s: truncated gzip data", path)
                                   : err_set(err, -EINVAL, "%s: %s", path, what);
    gzclose(gz);
    if (rc < 0 && start == 0) {
        buf_free(ret);
    } else if (rc < 0) {
        ret->len = start;
        ret->s[start] = 0;
    }
    return rc;
}

/* A device or a pipe, /dev/null for one: bytes go into it, and no file may take its place. */
static inline bool file_is_stream(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* Refuses what the rename at the end would: work that is done by then would be lost. */
static inline int file_may_be(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(err, -EISDIR, "%s: is a folder", path);
    return 0;
}

/* A file that is being written beside its final name; `temporary` is "" for a stream, which is
 * written as it is. */
struct file_new {
    FILE *out;
    char path[PATH_MAX], temporary[PATH_MAX];
};

static inline int file_new_open(struct file_new *f, const char *path, struct err *err)
{
    TRY(file_may_be(path, err));
    if (snprintf(f->path, sizeof f->path, "%s", path) + 24 >= PATH_MAX)
        return err_set(err, -ENAMETOOLONG, "%.200s...: name too long", path);
    if (file_is_stream(path))
        f->temporary[0] = 0;
    else
        snprintf(f->temporary, sizeof f->temporary, "%.*s.new-%d", PATH_MAX - 24, path, getpid());
    int fd =
        open(f->temporary[0] ? f->temporary : path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    f->out = fdopen(fd, "w");
    CHECK(f->out);
    return 0;
}

static inline void file_new_discard(struct file_new *f)
{
    if (f->out)
        fclose(f->out);
    f->out = NULL;
    if (f->temporary[0])
        unlink(f->temporary);
}

static inline int file_new_commit(struct file_new *f, struct err *err)
{
    char folder[PATH_MAX];
    bool stream = !f->temporary[0];
    bool good = fflush(f->out) == 0 && !ferror(f->out) && (stream || fsync(fileno(f->out)) == 0);
    int code = good ? 0 : -(errno ? errno : EIO);
    good = fclose(f->out) == 0 && good;
    f->out = NULL;
    if (!good || (!stream && rename(f->temporary, f->path) != 0)) {
        code = code ? code : -errno;
        if (!stream)
            unlink(f->temporary);
        return err_set(err, code, "%s: %s", f->path, strerror(-code));
    }
    if (stream)
        return 0;
    snprintf(folder, sizeof folder, "%s", f->path);
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    return 0;
}

static inline int file_replace(const char *path, struct str bytes, struct err *err)
{
    struct file_new f = {0};
    TRY(file_new_open(&f, path, err));
    fwrite(bytes.s, 1, bytes.len, f.out);
    return file_new_commit(&f, err);
}

#endif
