/* tmp.h: the one folder that a guest may write to, fresh for each guest. */
#ifndef ASSAY_SANDBOX_TMP_H
#define ASSAY_SANDBOX_TMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/err.h"

struct sbx_tmp {
    bool mounted;      /* a tmpfs of our own; else a folder on the host's disk */
    char path[32];     /* where the guest writes */
    int lock;          /* on the host's disk, says that the folder is in use */
    struct statx look; /* of the folder when it was fresh */
    struct statfs room;
};

/* `mounted`: root.c has mounted /tmp already. Otherwise chooses a name below the host's /tmp, and
 * removes what keepers that were killed have left there. */
int sbx__tmp_open(bool mounted, struct sbx_tmp *t, struct err *err);

/* Before a guest and after it. 1: the folder is another one than before, so rules that name the old
 * one no longer hold. A tmpfs is renewed after a guest that left a trace; on the host's disk each
 * guest's folder is made before and removed after. */
int sbx__tmp_begin(struct sbx_tmp *t);
int sbx__tmp_end(struct sbx_tmp *t);

/* On the host's disk, whether the guest has taken more than its share; costs one system call
 * unless the disk has filled noticeably. */
bool sbx__tmp_is_full(const struct sbx_tmp *t);

#endif
