/* lint.h: the JSON between the verifier's loop and assay-lint, and the language decision made from it.
 *
 * JOB    {"text": "...", "entry_point": "f" | null, "starter": "..." | absent: what stands before the text}
 * RESULT {"language": "python" | "python2" | "javascript" | "java" | "c" | "go" | "rust" | ... | "prose" | "data" | "empty",
 *         "parses": true when the Python grammar meets no error, "defines": ["f", "Solution", ...] (top-level names bound by def/class/=),
 *         "diagnostics": [{"line","column","code","message"}, ...]}  line and column from 1
 * "prose", "data" and "empty" are graded not-code; any language but python is wrong-language (python2 included). */
#ifndef ASSAY_LINT_H
#define ASSAY_LINT_H

enum { LINT_DIAGNOSTICS_MAX = 20, LINT_TEXT_BYTES_MAX = 1 << 20 };

#endif
