/* wire.h: every byte layout that crosses a process boundary inside one slot of the verifier.
 *
 *   verifier ──(stream: frames of JSON)──▶ judge, lint        stdin/stdout of the helper
 *   judge    ──(seqpacket: struct keeper_*)──▶ keeper         one message a packet, descriptors by SCM_RIGHTS
 *   judge    ──(stream: frames of values)──▶ guest            the guest's one socket
 *
 * A frame is a 12-byte little-endian header and a payload. Receivers bound `len` before they allocate. The two
 * ends are always of one build on one machine; the version catches a stale helper binary, not a foreign host. */
#ifndef ASSAY_WIRE_H
#define ASSAY_WIRE_H

#include <stdint.h>

#include "wire_guest.h"

enum { WIRE_VERSION = 1 };

/* Payload caps. A guest's frame is hostile; a verifier's frame is ours but still bounded. */
enum {
    WIRE_GUEST_BYTES_MAX = 32 << 20, /* one answer of a guest, or one call's arguments */
    WIRE_JOB_BYTES_MAX = 256 << 20,  /* one job, suite or result between verifier and helpers */
};

struct wire_header {
    uint32_t len; /* payload bytes that follow */
    uint8_t version;
    uint8_t type; /* enum wire_* of the channel */
    uint16_t zero;
    uint32_t seq; /* an answer repeats the seq of its question */
};
_Static_assert(sizeof(struct wire_header) == 12, "header layout is part of the protocol");

/* verifier <-> judge and lint. Payloads are UTF-8 JSON; beside that of a JOB lie long texts as they are (verifier/question.h). */
enum wire_helper {
    WIRE_HELLO = 1, /* helper -> verifier, once when ready: {"name","python","isolation":[...]} */
    WIRE_SUITE =
        2,        /* verifier -> judge: {"key","suite"} to cache; no answer. See verifier/judge.h */
    WIRE_JOB = 3, /* verifier -> helper; several may be sent ahead, and are answered in order */
    WIRE_RESULT = 4, /* helper -> verifier, same seq */
    WIRE_CORE = 5,   /* verifier -> judge: {"core"} to stay on, with its guests; no answer */
    WIRE_ASLEEP = 6, /* judge -> verifier, seq of the job: {"asleep"}, whether its program waits
                        and uses no processor time; at each change, awake at first */
    WIRE_BACK = 7,   /* verifier -> judge, seq of a JOB that waits behind another: not wanted; no
                        payload. Not begun, it is answered by WIRE_BACK in the RESULT's place */
};

/* judge <-> guest: wire_guest.h */

/* Descriptors of the judge: 0 frames in, 1 frames out, 3 the socket to its keeper. The keeper's: 3 the socket to its judge. */
enum { JUDGE_KEEPER_FD = 3, KEEPER_JUDGE_FD = 3 };

/* ---- judge <-> keeper: SOCK_SEQPACKET, fixed structs ------------------------------------------------- */

enum keeper_kind {
    KEEPER_FORK = 1, /* judge -> keeper: struct keeper_fork */
    KEEPER_FORKED =
        2, /* keeper -> judge: struct keeper_forked + descriptors: [socket, output_r] or [socket, stdin_w, stdout_r, stderr_r] */
    KEEPER_CLOCK =
        3, /* judge -> keeper: struct keeper_head; how much CPU has the guest used so far? */
    KEEPER_CLOCKED = 4, /* keeper -> judge: struct keeper_clocked */
    KEEPER_KILL = 5,    /* judge -> keeper: struct keeper_head; done with it. Answered by EXITED */
    KEEPER_EXITED =
        6, /* keeper -> judge: struct keeper_exited, always exactly once per FORKED guest */
    KEEPER_FAILED =
        7,            /* keeper -> judge: struct keeper_failed: no guest was made; an infra fault */
    KEEPER_HELLO = 8, /* keeper -> judge, once: struct keeper_hello */
};

struct keeper_head {
    uint32_t kind, seq;
};

/* The two guests of a pair run on one core, which the first finds. */
enum keeper_timed { KEEPER_UNTIMED = 0, KEEPER_PAIR_FIRST = 1, KEEPER_PAIR_SECOND = 2 };

struct keeper_fork {
    struct keeper_head head;
    uint32_t stdio;   /* 1: pipes on 0, 1, 2; 0: /dev/null on 0, one pipe on 1 and 2 */
    uint32_t threads; /* limits.threads */
    uint32_t timed;   /* enum keeper_timed */
    uint32_t core;    /* 1 + the core for keeper and guests from now on; 0: as before */
    uint64_t cpu_us, wall_us;
    uint64_t memory_kib, file_kib;
};

struct keeper_forked {
    struct keeper_head head;
    uint32_t isolation; /* enum sbx_isolation bits */
    uint32_t zero;
};

struct keeper_clocked {
    struct keeper_head head;
    uint64_t cpu_ns;       /* user + system of the whole guest so far */
    uint64_t instructions; /* retired by guests, from any origin; 0 where they are not counted */
};

enum keeper_cause {
    KEEPER_BY_ITSELF = 0,
    KEEPER_BY_CPU = 1,
    KEEPER_BY_WALL = 2,
    KEEPER_BY_JUDGE = 3,
    KEEPER_BY_DISK = 4,   /* it filled the folder for temporary files */
    KEEPER_BY_MEMORY = 5, /* the kernel: it met the cap on its slot's memory */
    KEEPER_BY_HOST = 6    /* the kernel: others wanted the memory. Not the program's doing */
};

struct keeper_exited {
    struct keeper_head head;
    int32_t status; /* as waitpid's */
    uint32_t cause; /* enum keeper_cause: who ended it */
    uint64_t user_us, system_us, wall_us;
    uint64_t memory_peak_kib;
};

struct keeper_failed {
    struct keeper_head head;
    char what[120];
};

struct keeper_hello {
    struct keeper_head head;
    uint32_t isolation, python_hex;
};

#endif
