#include "trainer/client/http.h"

#include <pthread.h>
#include <strings.h>

enum { ANSWER_BYTES_MAX = 256 << 20, KEEPALIVE_S = 20 };
static const double CONNECT_S = 5;

static void curl_once(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

int http_address(const char *url, struct http_address *ret, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool is_socket = strncmp(url, "unix:", 5) == 0;
    const char *path = url + 5;
    if (is_socket && strncmp(path, "//", 2) == 0)
        path += 2;
    if (is_socket ? !*path
                  : strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return err_set(err, -EINVAL, "verifier URL `%.200s`: want http://HOST:PORT or unix:PATH",
                       url);
    pthread_once(&once, curl_once);
    *ret = (struct http_address){.url = check_alloc(strdup(url))};
    ret->base = check_alloc(strdup(is_socket ? "http://localhost" : url));
    ret->socket_path = is_socket ? check_alloc(strdup(path)) : NULL;
    for (size_t n = strlen(ret->base); n && ret->base[n - 1] == '/'; n--)
        ret->base[n - 1] = 0;
    return 0;
}

void http_address_free(struct http_address *a)
{
    free(a->url);
    free(a->base);
    free(a->socket_path);
    *a = (struct http_address){0};
}

struct curl_slist *http_headers(const char *token)
{
    struct buf bearer = {0};
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    if (token) {
        buf_printf(&bearer, "Authorization: Bearer %s", token);
        headers = curl_slist_append(headers, bearer.s);
        buf_free(&bearer);
    }
    return check_alloc(headers);
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
    struct buf *answer = ctx;
    if (n * size > ANSWER_BYTES_MAX || answer->len + n * size > ANSWER_BYTES_MAX)
        return 0;
    buf_add(answer, bytes, n * size);
    return n * size;
}

CURL *http_easy(const struct http_address *a, const struct curl_slist *headers, const char *path,
                double deadline_s, struct buf *answer)
{
    struct buf url = {0};
    CURL *easy = check_alloc(curl_easy_init());
    buf_printf(&url, "%s%s", a->base, path);
    curl_easy_setopt(easy, CURLOPT_URL, url.s);
    if (a->socket_path) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, a->socket_path);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    /* A machine that is switched off closes nothing: probes find that out. */
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_S * 1000));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(deadline_s * 1000));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    buf_free(&url);
    return easy;
}

void http_error_text(const struct buf *answer, char *out, size_t size)
{
    json_t *root = json_loadb(answer->s ? answer->s : "", answer->len, 0, NULL);
    const json_t *error = json_object_get(root, "error");
    if (json_is_object(error))
        error = json_object_get(error, "message");
    const char *text = json_string_value(error);
    snprintf(out, size, "%s%.300s", text ? ": " : "", text ? text : "");
    json_decref(root);
}

int http_get(const struct http_address *a, const struct curl_slist *headers, const char *path,
             double deadline_s, json_t **ret, struct err *err)
{
    struct buf answer = {0};
    char why[400];
    long status = 0;
    json_error_t bad = {0};
    CURL *easy = http_easy(a, headers, path, deadline_s, &answer);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    json_t *root =
        code == CURLE_OK ? json_loadb(answer.s ? answer.s : "", answer.len, 0, &bad) : NULL;
    http_error_text(&answer, why, sizeof why);
    buf_free(&answer);
    if (code == CURLE_OK && status == 200 && root) {
        *ret = root;
        return 0;
    }
    json_decref(root);
    if (code != CURLE_OK)
        return err_set(err, -ECONNREFUSED, "the verifier at %s cannot be reached: %s", a->url,
                       curl_easy_strerror(code));
    if (status != 200)
        return err_set(err, -EPROTO, "the verifier at %s answers HTTP %ld to GET %s%s", a->url,
                       status, path, why);
    return err_set(err, -EPROTO, "the verifier at %s sent what is not JSON: %s", a->url, bad.text);
}
