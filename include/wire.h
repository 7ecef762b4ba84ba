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

/* verifier <-> judge and lint. Payloads are UTF-8 JSON. */
enum wire_helper {
    WIRE_HELLO = 1, /* helper -> verifier, once when ready: {"name","python","isolation":[...]} */
    WIRE_SUITE =
        2,        /* verifier -> judge: {"key","suite"} to cache; no answer. See verifier/judge.h */
    WIRE_JOB = 3, /* verifier -> helper */
    WIRE_RESULT = 4, /* helper -> verifier, same seq */
};

/* judge -> guest. `h` below is a u32 handle number; `v` an encoded value (value.h); name is u32 length + bytes. */
enum wire_question {
    GUEST_LOAD =
        1, /* u8 flags (GUEST_LOAD_MAIN) + program text (UTF-8): compile and run it. Answer: value None */
    GUEST_GLOBAL = 2, /* name: the program's global of that name */
    GUEST_CALL =
        3, /* h + v(tuple args) + v(dict kwargs): answer VALUE, or VALUE_ARGS when mutable arguments changed */
    GUEST_GETATTR = 4,  /* h + name */
    GUEST_GETITEM = 5,  /* h + v(key) */
    GUEST_SETATTR = 6,  /* h + name + v */
    GUEST_SETITEM = 7,  /* h + v(key) + v */
    GUEST_ITER = 8,     /* h: a handle on iter(object) */
    GUEST_NEXT = 9,     /* h: next item, or RAISED StopIteration */
    GUEST_LEN = 10,     /* h */
    GUEST_RELEASE = 11, /* h: no answer */
    GUEST_STR = 12,     /* h: str(object), for messages only */
    GUEST_BINARY =
        13, /* u8 operator (enum guest_operator) + v + v: for test code that computes with handles */
    GUEST_CONTAINS = 14, /* h + v */
};

/* guest -> judge. */
enum wire_answer {
    GUEST_READY =
        32, /* confined and waiting for LOAD; payload: u32 isolation bits seen from inside */
    GUEST_VALUE = 33,      /* v */
    GUEST_VALUE_ARGS = 34, /* v(result) + v(tuple of the arguments as they are after the call) */
    GUEST_RAISED =
        35, /* name(type) + name(base builtin type) + v(tuple of args, what is not plain as str) + name(message)
                              + u32 line of the program where it came from (0 unknown) */
    GUEST_MISSING = 36, /* GLOBAL: no such name */
    GUEST_CALLBACK =
        37, /* u32 number of the judge's callable + v(args tuple) + v(kwargs); the judge answers with
                              JUDGE_VALUE or JUDGE_RAISED of the same seq, then the guest goes on */
    GUEST_REFUSED = 38, /* the guest could not encode: name(why: "too-deep","too-large",...) */
};
enum { JUDGE_VALUE = 64, JUDGE_RAISED = 65 };
enum {
    GUEST_LOAD_MAIN = 1
}; /* run as __main__ with real stdin/stdout; the process exits with the program's status */

/* Operators of GUEST_BINARY; at least one operand is a handle. */
enum guest_operator {
    GUEST_OP_ADD,
    GUEST_OP_SUBTRACT,
    GUEST_OP_MULTIPLY,
    GUEST_OP_MATRIX_MULTIPLY,
    GUEST_OP_TRUE_DIVIDE,
    GUEST_OP_FLOOR_DIVIDE,
    GUEST_OP_REMAINDER,
    GUEST_OP_POWER,
    GUEST_OP_LSHIFT,
    GUEST_OP_RSHIFT,
    GUEST_OP_AND,
    GUEST_OP_OR,
    GUEST_OP_XOR,
    GUEST_OP_LT,
    GUEST_OP_LE,
    GUEST_OP_GT,
    GUEST_OP_GE,
    GUEST_OP_COUNT
};

/* Typed value tags (value.h). Lengths and counts are u32; numbers little-endian. */
enum value_tag {
    VALUE_NONE = 'N',
    VALUE_TRUE = 'T',
    VALUE_FALSE = 'F',
    VALUE_INT = 'i',    /* s64 */
    VALUE_BIGINT = 'I', /* u32 length + two's complement little-endian bytes */
    VALUE_FLOAT = 'f',  /* 8 bytes IEEE */
    VALUE_COMPLEX = 'c',
    VALUE_STR = 's', /* u32 length + UTF-8 with surrogates passed */
    VALUE_BYTES = 'b',
    VALUE_BYTEARRAY = 'B',
    VALUE_LIST = 'l',
    VALUE_TUPLE = 't',
    VALUE_DICT = 'd',
    VALUE_SET = 'S',
    VALUE_FROZENSET = 'Z',
    VALUE_DECIMAL = 'D',  /* its str() form */
    VALUE_FRACTION = 'R', /* two integer values */
    VALUE_DATETIME = 'M', /* u8 kind + fields, see sandbox/value.c */
    VALUE_HANDLE = 'H',   /* u32 number of the *guest's* object */
    VALUE_CALLABLE = 'C', /* u32 number of the *judge's* callable; it may come home in an answer */
};

/* Descriptors of the judge: 0 frames in, 1 frames out, 3 the socket to its keeper. The keeper's: 3 the socket to its judge. */
enum { JUDGE_KEEPER_FD = 3, KEEPER_JUDGE_FD = 3 };

/* ---- judge <-> keeper: SOCK_SEQPACKET, fixed structs ------------------------------------------------- */

enum keeper_kind {
    KEEPER_FORK = 1, /* judge -> keeper: struct keeper_fork */
    KEEPER_FORKED =
        2, /* keeper -> judge: struct keeper_forked + descriptors: [socket] or [socket, stdin_w, stdout_r, stderr_r] */
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

struct keeper_fork {
    struct keeper_head head;
    uint32_t stdio;   /* 1: pipes on 0, 1, 2; 0: /dev/null there */
    uint32_t threads; /* limits.threads */
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
    uint64_t instructions; /* retired, 0 where the kernel does not count them */
};

enum keeper_cause {
    KEEPER_BY_ITSELF = 0,
    KEEPER_BY_CPU = 1,
    KEEPER_BY_WALL = 2,
    KEEPER_BY_JUDGE = 3
};

struct keeper_exited {
    struct keeper_head head;
    int32_t status; /* as waitpid's */
    uint32_t cause; /* enum keeper_cause: who ended it */
    uint64_t user_us, system_us, wall_us, instructions;
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
