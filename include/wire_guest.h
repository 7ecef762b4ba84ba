/* wire_guest.h: what judge and guest say to each other, over one stream of frames (wire.h): questions, answers, operators, and
 * the tags of values (value.h). A part of wire.h. */
#ifndef ASSAY_WIRE_GUEST_H
#define ASSAY_WIRE_GUEST_H

/* judge -> guest. `h` below is a u32 handle number; `v` an encoded value (value.h); name is u32 length + bytes. */
enum wire_question {
    GUEST_LOAD =
        1, /* u8 flags (GUEST_LOAD_*) + program text (UTF-8): compile and run it. Answer: value None */
    GUEST_GLOBAL = 2,  /* name: the program's global of that name */
    GUEST_CALL = 3,    /* h + u8 wants (enum guest_want) + v((args tuple, kwargs dict)) */
    GUEST_GETATTR = 4, /* h + u8 wants + name */
    GUEST_NEXT = 5,    /* h: next item, or RAISED StopIteration; a coroutine is run to its end */
    GUEST_STORED = 6,  /* h: the object by value, as what it stores */
    GUEST_RELEASE = 7, /* h: no answer */
    GUEST_OPERATE = 8, /* u8 operator (enum guest_operator) + u8 wants + v(tuple of operands) */
    GUEST_HANDED =
        9, /* nothing: ns of CPU time since LOAD's answer until the last one, without what CALL called.
                         Asked, and believed, of trusted programs alone */
};

/* How an answer may look and what it tells. */
enum guest_want {
    GUEST_WANT_OBJECT =
        1, /* an instance of a program's class as a handle, even below a plain type */
    GUEST_WANT_AWAITABLE =
        2, /* a coroutine as a handle; otherwise it is run, and its result is the answer */
    GUEST_WANT_CHANGES =
        4, /* before the answer, CHANGED if containers of the arguments did; the answer refers to them */
};

/* guest -> judge. */
enum wire_answer {
    GUEST_READY =
        32, /* confined and waiting for LOAD; payload: u32 isolation bits seen from inside */
    GUEST_VALUE = 33,   /* v */
    GUEST_CHANGED = 34, /* contents (value.h) of the arguments' containers; the answer follows */
    GUEST_RAISED = 35,  /* v(exception) + u32 line of the program where it came from (0 unknown) */
    GUEST_MISSING = 36, /* GLOBAL: no such name */
    GUEST_CALLBACK =
        37, /* u32 number of the judge's object + u8 enum judge_service + v((args tuple, kwargs dict)); the judge
                              answers with JUDGE_VALUE or JUDGE_RAISED of the same seq, JUDGE_CHANGED before it where
                              containers of the arguments changed; then the guest goes on */
    GUEST_REFUSED = 38, /* the guest could not encode: name(why: "too-deep","too-large",...) */
};
enum { JUDGE_VALUE = 64, JUDGE_RAISED = 65, JUDGE_CHANGED = 66 };
/* NEXT asks an iterator with the argument (n): a list of 1 to n items, or StopIteration. */
enum judge_service { JUDGE_CALL = 0, JUDGE_NEXT = 1 };
/* The status of a guest that had no memory for a question or an answer. */
enum { GUEST_EXIT_MEMORY = 97 };
/* MAIN: run as __main__ with real stdin/stdout; the process exits with the program's status. ASIDE:
 * run for nothing but what it leaves in memory, no name and no module. */
enum { GUEST_LOAD_MAIN = 1, GUEST_LOAD_ASIDE = 2 };

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
    VALUE_REF = 'r',      /* u32 number of a container of this message (or of the one it answers) */
    VALUE_KIND = 'k',     /* u8 kind (enum value_kind) + fields, see sandbox/value_kind.c */
    VALUE_DECIMAL = 'D',  /* its str() form */
    VALUE_FRACTION = 'R', /* two integer values */
    VALUE_DATETIME = 'M', /* u8 kind + fields, see sandbox/value_module.c */
    VALUE_NUMPY = 'A',    /* u32 length + an array or scalar, see sandbox/value_array.c */
    VALUE_BUILTIN = 'Y',  /* u32 length + name: a type or function of Python's own namespace */
    VALUE_HANDLE =
        'H', /* u32 number of the *guest's* object + u8 flags (enum handle_flag) + v(None) */
    VALUE_CALLABLE =
        'C', /* u32 number of the *judge's* object + u8 flags (enum lent_flag) + v; it may come home */
    VALUE_EXCEPTION_CLASS =
        'X', /* v(itself: H or C) + v(module) + v(name) + v(tuple of base classes) */
    VALUE_EXCEPTION =
        'x', /* v(class) + v(args tuple) + v(attributes dict) + v(message or None) + v(cause or None) + v(itself: H, C or None) */
};

/* Values of types that the library has beside the plain ones. From VALUE_KIND_CONTAINERS on they can change, and are numbered. */
enum value_kind {
    VALUE_KIND_ELLIPSIS = 1,
    VALUE_KIND_NOT_IMPLEMENTED,
    VALUE_KIND_RANGE,
    VALUE_KIND_SLICE,
    VALUE_KIND_MEMORYVIEW,
    VALUE_KIND_KEYS,
    VALUE_KIND_VALUES,
    VALUE_KIND_ITEMS,
    VALUE_KIND_NAMED_TUPLE,
    VALUE_KIND_UUID,
    VALUE_KIND_PATH,
    VALUE_KIND_PURE_PATH,
    VALUE_KIND_PATTERN,
    VALUE_KIND_CONTAINERS = 64,
    VALUE_KIND_DEQUE = VALUE_KIND_CONTAINERS,
    VALUE_KIND_ARRAY,
    VALUE_KIND_COUNTER,
    VALUE_KIND_ORDERED_DICT,
    VALUE_KIND_DEFAULT_DICT,
};

enum handle_flag {
    HANDLE_CLASS = 1,     /* it is a class */
    HANDLE_STORES = 2,    /* its class derives from a plain type: STORED gives the value */
    HANDLE_AWAITABLE = 4, /* a coroutine or the like */
};
enum lent_flag {
    LENT_ITERATOR = 1, /* to be asked for its next item; otherwise to be called */
    LENT_FUNCTION = 2, /* v describes its parameters, see verifier/judge_lend.c */
};

/* Operators of GUEST_OPERATE: X(name, module, function), applied to the operands as they are. */
#define GUEST_OPERATORS(X)                                                                         \
    X(ADD, "operator", "add")                                                                      \
    X(SUBTRACT, "operator", "sub")                                                                 \
    X(MULTIPLY, "operator", "mul")                                                                 \
    X(MATRIX_MULTIPLY, "operator", "matmul")                                                       \
    X(TRUE_DIVIDE, "operator", "truediv")                                                          \
    X(FLOOR_DIVIDE, "operator", "floordiv")                                                        \
    X(REMAINDER, "operator", "mod")                                                                \
    X(DIVMOD, "builtins", "divmod")                                                                \
    X(POWER, "builtins", "pow")                                                                    \
    X(LSHIFT, "operator", "lshift")                                                                \
    X(RSHIFT, "operator", "rshift")                                                                \
    X(AND, "operator", "and_")                                                                     \
    X(OR, "operator", "or_")                                                                       \
    X(XOR, "operator", "xor")                                                                      \
    X(IADD, "operator", "iadd")                                                                    \
    X(ISUBTRACT, "operator", "isub")                                                               \
    X(IMULTIPLY, "operator", "imul")                                                               \
    X(IMATRIX_MULTIPLY, "operator", "imatmul")                                                     \
    X(ITRUE_DIVIDE, "operator", "itruediv")                                                        \
    X(IFLOOR_DIVIDE, "operator", "ifloordiv")                                                      \
    X(IREMAINDER, "operator", "imod")                                                              \
    X(IPOWER, "operator", "ipow")                                                                  \
    X(ILSHIFT, "operator", "ilshift")                                                              \
    X(IRSHIFT, "operator", "irshift")                                                              \
    X(IAND, "operator", "iand")                                                                    \
    X(IOR, "operator", "ior")                                                                      \
    X(IXOR, "operator", "ixor")                                                                    \
    X(LT, "operator", "lt")                                                                        \
    X(LE, "operator", "le")                                                                        \
    X(EQ, "operator", "eq")                                                                        \
    X(NE, "operator", "ne")                                                                        \
    X(GT, "operator", "gt")                                                                        \
    X(GE, "operator", "ge")                                                                        \
    X(CONTAINS, "operator", "contains")                                                            \
    X(NEGATIVE, "operator", "neg")                                                                 \
    X(POSITIVE, "operator", "pos")                                                                 \
    X(INVERT, "operator", "invert")                                                                \
    X(ABSOLUTE, "builtins", "abs")                                                                 \
    X(ROUND, "builtins", "round")                                                                  \
    X(TRUNCATE, "math", "trunc")                                                                   \
    X(FLOOR, "math", "floor")                                                                      \
    X(CEILING, "math", "ceil")                                                                     \
    X(INT, "builtins", "int")                                                                      \
    X(FLOAT, "builtins", "float")                                                                  \
    X(COMPLEX, "builtins", "complex")                                                              \
    X(INDEX, "operator", "index")                                                                  \
    X(BYTES, "builtins", "bytes")                                                                  \
    X(BOOL, "operator", "truth")                                                                   \
    X(LEN, "builtins", "len")                                                                      \
    X(HASH, "builtins", "hash")                                                                    \
    X(STR, "builtins", "str")                                                                      \
    X(REPR, "builtins", "repr")                                                                    \
    X(FORMAT, "builtins", "format")                                                                \
    X(ITER, "builtins", "iter")                                                                    \
    X(REVERSED, "builtins", "reversed")                                                            \
    X(AITER, "builtins", "aiter")                                                                  \
    X(ANEXT, "builtins", "anext")                                                                  \
    X(GETITEM, "operator", "getitem")                                                              \
    X(SETITEM, "operator", "setitem")                                                              \
    X(DELITEM, "operator", "delitem")                                                              \
    X(SETATTR, "builtins", "setattr")                                                              \
    X(DELATTR, "builtins", "delattr")                                                              \
    X(DIR, "builtins", "dir")                                                                      \
    X(TYPE, "builtins", "type")                                                                    \
    X(ISINSTANCE, "builtins", "isinstance")                                                        \
    X(ISSUBCLASS, "builtins", "issubclass")                                                        \
    X(COPY, "copy", "copy")                                                                        \
    X(DEEPCOPY, "copy", "deepcopy")

enum guest_operator {
#define X(name, module, function) GUEST_OP_##name,
    GUEST_OPERATORS(X)
#undef X
        GUEST_OP_COUNT
};

#endif
