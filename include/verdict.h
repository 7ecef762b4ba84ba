/* verdict.h: what grading says: five grades, the reasons behind them, and one record per completion. */
#ifndef ASSAY_VERDICT_H
#define ASSAY_VERDICT_H

enum grade {
    GRADE_NOT_CODE,
    GRADE_WRONG_LANGUAGE,
    GRADE_FAILS_TESTS,
    GRADE_CORRECT,
    GRADE_FASTER,
    GRADE_COUNT
};

#define GRADE_NAMES                                                                                \
    {                                                                                              \
        "not-code", "wrong-language", "fails-tests", "correct", "faster"                           \
    }

enum reason {
    REASON_NONE,
    REASON_EMPTY,
    REASON_PROSE,
    REASON_PYTHON2,
    REASON_OTHER_LANGUAGE,
    REASON_SYNTAX_ERROR,
    REASON_NO_ENTRY_POINT,
    REASON_LOAD_ERROR,
    REASON_WRONG_ANSWER,
    REASON_EXCEPTION,
    REASON_TIME_LIMIT,
    REASON_MEMORY_LIMIT,
    REASON_OUTPUT_LIMIT,
    REASON_PROCESS_LIMIT,
    REASON_FORBIDDEN,
    REASON_CRASHED,
    REASON_PROTOCOL,
    REASON_COUNT
};

/* NULL for REASON_NONE: JSON null. */
#define REASON_NAMES                                                                               \
    {                                                                                              \
        NULL, "empty", "prose", "python2", "other-language", "syntax-error", "no-entry-point",     \
            "load-error", "wrong-answer", "exception", "time-limit", "memory-limit",               \
            "output-limit", "process-limit", "forbidden", "crashed", "protocol"                    \
    }

#endif
