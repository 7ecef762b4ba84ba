/* Chat templates: each as its makers' own template writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "trainer/text/chat.h"

static const struct chat_message talk[] = {{"system", STR("Be brief.")},
                                           {"user", STR(" Hi ")},
                                           {"assistant", STR("<think>hm</think>Yes?")},
                                           {"user", STR("Bye")}};

static void each_template(void **state)
{
    (void)state;
    static const struct {
        enum chat chat;
        int from, n;
        const char *text;
    } rows[] = {
        {CHAT_CHATML, 1, 1, "<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\n"},
        {CHAT_QWEN25, 3, 1,
         "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
         "assistant.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"},
        {CHAT_QWEN25, 0, 2,
         "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n"
         "<|im_start|>assistant\n"},
        {CHAT_LLAMA3, 0, 2,
         "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
         "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant"
         "<|end_header_id|>\n\n"},
        {CHAT_DEEPSEEK_R1, 0, 4,
         "<\xef\xbd\x9c"
         "begin\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>Be "
         "brief.<\xef\xbd\x9cUser\xef\xbd\x9c> Hi "
         "<\xef\xbd\x9c"
         "Assistant\xef\xbd\x9c>Yes?<\xef\xbd\x9c"
         "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c><\xef\xbd\x9cUser\xef\xbd\x9c>Bye<"
         "\xef\xbd\x9c"
         "Assistant\xef\xbd\x9c><think>\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = {0};
        chat_render(rows[i].chat, talk + rows[i].from, rows[i].n, &out);
        assert_string_equal(out.s, rows[i].text);
        buf_free(&out);
    }
}

/* An answer within a conversation ends with that token. */
static void each_end(void **state)
{
    (void)state;
    assert_null(chat_end(CHAT_NONE));
    for (int chat = CHAT_NONE + 1; chat < CHAT_COUNT; chat++) {
        struct buf out = {0};
        char wanted[80];
        snprintf(wanted, sizeof wanted, "Yes?%s", chat_end((enum chat)chat));
        chat_render((enum chat)chat, talk, COUNT_OF(talk), &out);
        assert_non_null(strstr(out.s, wanted));
        buf_free(&out);
    }
}

static void templates_are_recognised(void **state)
{
    (void)state;
    assert_int_equal(chat_recognise("{% for m in messages %}<|im_start|>{{m.role}}"), CHAT_CHATML);
    assert_int_equal(
        chat_recognise("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You "
                       "are a helpful assistant.<|im_end|>"),
        CHAT_QWEN25);
    assert_int_equal(chat_recognise("'<|start_header_id|>' + m['role']"), CHAT_LLAMA3);
    assert_int_equal(chat_recognise("'<\xef\xbd\x9c"
                                    "Assistant\xef\xbd\x9c>'"),
                     CHAT_DEEPSEEK_R1);
    assert_int_equal(chat_recognise("[INST] {{ m }} [/INST]"), CHAT_NONE);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_template),
        cmocka_unit_test(each_end),
        cmocka_unit_test(templates_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
