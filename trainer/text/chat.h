/* chat.h: how models that were trained on conversations want them written. */
#ifndef ASSAY_CHAT_H
#define ASSAY_CHAT_H

#include <stdbool.h>

#include "base/str.h"

enum chat { CHAT_NONE, CHAT_CHATML, CHAT_QWEN25, CHAT_LLAMA3, CHAT_DEEPSEEK_R1, CHAT_COUNT };

/* "none", "chatml", ...; NULL-terminated, by enum chat. */
extern const char *const chat_names[];

struct chat_message {
    const char *role; /* "system", "user" or "assistant" */
    struct str content;
};

/* Appends the conversation, and then what an assistant's answer begins with. Not for CHAT_NONE. A
 * conversation without a system message gets none but with CHAT_QWEN25, which has one of its own;
 * of an earlier answer CHAT_DEEPSEEK_R1 keeps what follows </think>. */
void chat_render(enum chat chat, const struct chat_message *messages, int n, struct buf *out);

/* The token that ends an answer; NULL for CHAT_NONE. */
const char *chat_end(enum chat chat);

/* Which of them a tokenizer's template (Jinja text) is, by the tokens that it writes; CHAT_NONE:
 * none that is known here. */
enum chat chat_recognise(const char *jinja);

#endif
