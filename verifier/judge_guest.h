/* judge_guest.h: one guest's life, seen from the judge: forked by the keeper, asked questions,
 * ended, accounted for. No Python here. Two kinds of failure are kept apart everywhere:
 * GUEST_OVER is the candidate's (its reason lies in the struct), anything else negative is an
 * infra fault of ours. */
#ifndef ASSAY_JUDGE_GUEST_H
#define ASSAY_JUDGE_GUEST_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "problem.h"
#include "verdict.h"
#include "verifier/judge_drain.h"
#include "wire.h"

enum { GUEST_OVER = -EPIPE };

/* What a guest is started for: calls of functions, a whole program with its streams, or calls that
 * are timed, first and second of a pair on one core. */
enum guest_use { GUEST_FOR_CALLS, GUEST_FOR_STREAMS, GUEST_FOR_PAIR, GUEST_FOR_PAIR_SECOND };

struct judge_guest {
    int fd;       /* its socket, -1 when there is no guest */
    int pipes[3]; /* our ends of its stdin, stdout, stderr; -1 when none or closed. A
                           function's guest has its stderr in the pipe of stdout */
    struct judge_drain drains[3]; /* what came through pipes[1] and pipes[2] */
    uint32_t seq;                 /* of the latest question */
    bool over;                    /* nothing may be asked any more */
    bool exited;                  /* the keeper's account has arrived */
    enum reason reason;           /* why it is over, REASON_NONE while it is not */
    char why[160];
    uint32_t isolation;
    int64_t memory_kib; /* its limit */
    struct buf question, input;
    size_t input_from; /* bytes of `input` that were consumed */
    struct keeper_exited end;
};

/* An answer's payload; valid until the next frame is received. */
struct judge_frame {
    uint8_t type;
    uint32_t seq;
    const uint8_t *at, *end;
};

/* Waits for the keeper's hello on JUDGE_KEEPER_FD. Once. */
int judge_keeper_hello(struct keeper_hello *ret, struct err *err);

/* True once the keeper has died, hung or said something that makes no sense: nothing more can be
 * graded here. */
bool judge_keeper_lost(void);

/* From now on this process, its keeper and the guests stay on this core; where it cannot be had, they
 * stay where they are. */
void judge_keep_on(int core);

/* A fresh guest, confined and ready. What it prints is drained in every wait below, counted and
 * thrown away, unless the caller begins g->drains otherwise. On failure (infra) there is no
 * guest; -EOWNERDEAD: somebody killed it before it was ready. */
int judge_guest_start(struct judge_guest *g, const struct limits *limits, enum guest_use use,
                      struct err *err);

/* Begins a question in g->question (the caller appends its payload), and sends it under a new
 * sequence number. */
struct buf *judge_guest_question(struct judge_guest *g);
int judge_guest_send(struct judge_guest *g, uint8_t type, uint32_t seq);
int judge_guest_receive(struct judge_guest *g, struct judge_frame *ret);

/* The guest broke the rules or was stopped: over, for this reason. Returns GUEST_OVER. */
int judge_guest_fail(struct judge_guest *g, enum reason reason, const char *why);

/* poll() without a time limit, for whoever waits for the guest; looks now and then whether it sleeps
 * (judge_sleep.h). 0: the keeper's report has arrived meanwhile. */
int judge_guest_poll(struct judge_guest *g, struct pollfd *fds, unsigned n);

/* Drains pipe `which` (1 or 2) once. 0, or GUEST_OVER past the cap. */
int judge_guest_drain(struct judge_guest *g, int which);

/* CPU time so far, and retired instructions (0: not counted), of which only differences mean
 * anything. */
int judge_guest_clock(struct judge_guest *g, struct keeper_clocked *ret, struct err *err);

/* Takes the keeper's report if it is already there (stdio guests end by themselves). 1: g->end
 * is filled; 0: not yet. */
int judge_guest_poll_exit(struct judge_guest *g, struct err *err);

/* Ends the guest if it lives, waits for the keeper's account (g->end) and closes everything. */
int judge_guest_finish(struct judge_guest *g, struct err *err);

/* Gives back the memory of a guest that has finished. */
void judge_guest_free(struct judge_guest *g);

/* Whether it ended by a SIGKILL that neither keeper nor judge nor a limit accounts for. In a pid
 * namespace of its own no process can send itself one (*ret_surely), so that only the host, or the
 * kernel in want of memory, is left. */
bool judge_guest_was_killed(const struct judge_guest *g, bool *ret_surely);

/* What an end that nobody asked for says about the candidate; REASON_NONE for a plain exit with
 * status 0. */
enum reason judge_reason_of_end(const struct keeper_exited *end, int64_t memory_limit_kib);

#endif
