/* http.h: one verifier's address, and requests to it with libcurl. */
#ifndef ASSAY_CLIENT_HTTP_H
#define ASSAY_CLIENT_HTTP_H

#include <curl/curl.h>
#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

struct http_address {
    char *url;         /* as it was given, for messages */
    char *base;        /* http://host:port, without a slash at its end */
    char *socket_path; /* NULL: TCP */
};

/* "unix:PATH", "http://HOST:PORT" or "https://HOST:PORT", perhaps with a path before the API's own.
 * -EINVAL names a URL that is none of these. */
int http_address(const char *url, struct http_address *ret, struct err *err);
void http_address_free(struct http_address *a);

/* The headers of every request; `token` may be NULL. The caller frees with curl_slist_free_all. */
struct curl_slist *http_headers(const char *token);
/* A handle that will ask for `path` and append the answer to `answer`, which the caller owns, like
 * the handle. The address and the headers must outlive it. */
CURL *http_easy(const struct http_address *a, const struct curl_slist *headers, const char *path,
                double deadline_s, struct buf *answer);
/* What an answer says about an error: ": " and its "error" (or that one's "message"), or nothing. */
void http_error_text(const struct buf *answer, char *out, size_t size);
/* GET `path` and wait: a new reference to the JSON. -ECONNREFUSED: nobody there; -EPROTO: another
 * status than 200, or no JSON. */
int http_get(const struct http_address *a, const struct curl_slist *headers, const char *path,
             double deadline_s, json_t **ret, struct err *err);

#endif
