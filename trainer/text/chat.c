#include "trainer/text/chat.h"

#include <string.h>

#include "base/check.h"

const char *const chat_names[] = {"none", "chatml", "qwen2.5", "llama3", "deepseek-r1", NULL};

/* The marks of DeepSeek's tokens are U+FF5C and U+2581. */
#define BAR   "\xef\xbd\x9c"
#define SPACE "\xe2\x96\x81"

static const char QWEN_SYSTEM[] =
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";

/* What stands around a conversation, and around each message of it. */
static const struct style {
    const char *begin, *before_role, *after_role, *after, *answer;
    bool trims;
} styles[CHAT_COUNT] = {
    [CHAT_CHATML] = {"", "<|im_start|>", "\n", "<|im_end|>\n", "<|im_start|>assistant\n", false},
    [CHAT_QWEN25] = {"", "<|im_start|>", "\n", "<|im_end|>\n", "<|im_start|>assistant\n", false},
    [CHAT_LLAMA3] = {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>\n\n",
                     "<|eot_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n", true},
    [CHAT_DEEPSEEK_R1] = {"<" BAR "begin" SPACE "of" SPACE "sentence" BAR ">", "", "", "",
                          "<" BAR "Assistant" BAR "><think>\n", false},
};

static void add_message(const struct style *style, struct chat_message m, struct buf *out)
{
    buf_printf(out, "%s%s%s", style->before_role, m.role, style->after_role);
    buf_str(out, style->trims ? str_trim(m.content) : m.content);
    buf_puts(out, style->after);
}

/* Roles are tokens, the system's words stand bare at the front. */
static void add_message_r1(struct chat_message m, struct buf *out)
{
    if (strcmp(m.role, "user") == 0)
        buf_puts(out, "<" BAR "User" BAR ">");
    if (strcmp(m.role, "assistant") == 0) {
        const struct str mark = STR("</think>");
        for (ptrdiff_t at; (at = str_find(m.content, mark, 0)) >= 0;)
            m.content = str_from(m.content, (size_t)at + mark.len);
        buf_puts(out, "<" BAR "Assistant" BAR ">");
    }
    buf_str(out, m.content);
    if (strcmp(m.role, "assistant") == 0)
        buf_puts(out, "<" BAR "end" SPACE "of" SPACE "sentence" BAR ">");
}

void chat_render(enum chat chat, const struct chat_message *messages, int n, struct buf *out)
{
    const struct style *style = &styles[chat];
    CHECK(chat > CHAT_NONE && chat < CHAT_COUNT);
    buf_puts(out, style->begin);
    if (chat == CHAT_QWEN25 && (n == 0 || strcmp(messages[0].role, "system") != 0))
        add_message(style, (struct chat_message){"system", STR(QWEN_SYSTEM)}, out);
    for (int i = 0; i < n; i++)
        if (chat == CHAT_DEEPSEEK_R1)
            add_message_r1(messages[i], out);
        else
            add_message(style, messages[i], out);
    buf_puts(out, style->answer);
}

const char *chat_end(enum chat chat)
{
    static const char *const ends[CHAT_COUNT] = {
        [CHAT_CHATML] = "<|im_end|>",
        [CHAT_QWEN25] = "<|im_end|>",
        [CHAT_LLAMA3] = "<|eot_id|>",
        [CHAT_DEEPSEEK_R1] = "<" BAR "end" SPACE "of" SPACE "sentence" BAR ">",
    };
    return ends[chat];
}

enum chat chat_recognise(const char *jinja)
{
    if (strstr(jinja, "<|im_start|>"))
        return strstr(jinja, QWEN_SYSTEM) ? CHAT_QWEN25 : CHAT_CHATML;
    if (strstr(jinja, "<|start_header_id|>"))
        return CHAT_LLAMA3;
    return strstr(jinja, "<" BAR "Assistant" BAR ">") ? CHAT_DEEPSEEK_R1 : CHAT_NONE;
}
