/* command.h: the subcommands of assay-verifier. Each gets its own argv, argv[0] being "assay
 * NAME", and returns the exit status: 0 every item got a verdict, 1 some item met a fault of ours
 * (or failed its check), 2 bad usage or bad input. */
#ifndef ASSAY_COMMAND_H
#define ASSAY_COMMAND_H

#include <argp.h>
#include <uv.h>

#include "base/err.h"
#include "pool.h"

enum { EXIT_FAULT = 1, EXIT_BAD_INPUT = 2, SPECS_MAX = 64 };

int command_grade(int argc, char **argv);
int command_check(int argc, char **argv);
int command_lint(int argc, char **argv);
int command_run(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_doctor(int argc, char **argv);

/* "assay: text" on stderr; returns EXIT_BAD_INPUT. */
int command_error(const struct err *err);

/* A number of slots from -j, or ends the program through argp_error. */
int command_slots(struct argp_state *state, const char *arg);

/* Adds a problem spec from -p, or ends the program through argp_error. The text is borrowed. */
void command_spec(struct argp_state *state, char *arg, char *specs[SPECS_MAX], int *n_specs);

/* Asks one question of a pool of one slot and waits. NULL with *err when it was our fault. */
json_t *command_ask(enum pool_kind kind, json_t *question, int64_t limit_ms, struct err *err);

#endif
