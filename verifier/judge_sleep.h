/* judge_sleep.h: word to the verifier that the program of a job sleeps, and when it no longer does. */
#ifndef ASSAY_JUDGE_SLEEP_H
#define ASSAY_JUDGE_SLEEP_H

#include <stdbool.h>
#include <stdint.h>

/* A job begins, and ends: what is found in between is told on descriptor `fd` under `seq`
 * (WIRE_ASLEEP). */
void judge_sleep_open(int fd, uint32_t seq);
void judge_sleep_close(void);

/* A new guest begins, awake. One that is `timed` counts as awake throughout. */
void judge_sleep_begin(bool timed);

/* It is gone, or about to be: what follows is the judge's own work. */
void judge_sleep_end(void);

/* How long to wait for a guest before its processor time is looked at: milliseconds for poll(), 0
 * when that is due, -1: as long as it takes. */
int judge_sleep_wait_ms(void);

/* The guest has had so much processor time since its start. */
void judge_sleep_look(int64_t guest_ns);

#endif
