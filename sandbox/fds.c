/* fds.c: the descriptors of a guest: 0, 1, 2 and its one socket on 3, nothing else. */
#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/confine.h"

enum {
    FIRST_SAFE = 10
}; /* above every target, so that no source is overwritten before it is placed */

int sbx__fds_arrange(const int source[3], int socket)
{
    int high[4];
    for (int i = 0; i < 4; i++) {
        const int from = i < 3 ? source[i] : socket;
        high[i] = from < 0 ? -1 : fcntl(from, F_DUPFD, FIRST_SAFE);
        if (from >= 0 && high[i] < 0)
            return -errno;
    }
    for (int i = 0; i < 4; i++) {
        if (high[i] < 0) {
            close(i);
            if (open("/dev/null", O_RDWR) != i)
                return -EIO;
        } else if (dup2(high[i], i) != i) {
            return -errno;
        }
    }
    return close_range(4, ~0u, 0) == 0 ? 0 : -errno;
}
