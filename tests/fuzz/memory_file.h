/* memory_file.h: bytes as a file, for parsers that take a path. */
#ifndef ASSAY_FUZZ_MEMORY_FILE_H
#define ASSAY_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

struct memory_file {
    int fd;
    char path[64];
};

static inline struct memory_file memory_file_make(const uint8_t *bytes, size_t size)
{
    struct memory_file f = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    CHECK(f.fd >= 0 && write(f.fd, bytes, size) == (ssize_t)size);
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

#endif
