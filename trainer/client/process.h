/* process.h: a verifier of our own: `assay-verifier serve` on a private unix socket, which ends with
 * this program. */
#ifndef ASSAY_CLIENT_PROCESS_H
#define ASSAY_CLIENT_PROCESS_H

#include <stdbool.h>

#include "base/err.h"

struct verifier_process;

enum { VERIFIER_LOG_PATH = 32 };

struct verifier_process_options {
    const char *program; /* NULL: ASSAY_VERIFIER, or assay-verifier beside this program, or PATH */
    const char *const *problems; /* the -p options */
    int n_problems;
    int slots; /* 0: the verifier's default */
    bool no_timing;
    const char *config; /* its --config, or NULL */
    const char *log;    /* file that gets its stderr; NULL: one without a name */
    double ready_s;     /* how long it may take to load its problems; 0: 120 */
};

/* A file without a name for `log`, so that a program which is killed leaves none: its path in this
 * process, and its descriptor, which the caller closes. */
int verifier_process_log(char ret_path[VERIFIER_LOG_PATH], int *ret_fd, struct err *err);
/* Returns when GET /healthz answers. A verifier that exits early: its last lines are the error. */
int verifier_process_start(const struct verifier_process_options *opt,
                           struct verifier_process **ret, struct err *err);
/* Its URL for clients; valid until verifier_process_stop. */
const char *verifier_process_url(const struct verifier_process *v);
/* 0 while it runs, else -ECHILD with how it ended. */
int verifier_process_check(struct verifier_process *v, struct err *err);
/* SIGTERM, a grace of seconds, SIGKILL; removes the socket's folder. NULL is allowed. */
void verifier_process_stop(struct verifier_process *v);

#endif
