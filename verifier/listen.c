/* listen.c: opens the one socket that assay-verifier listens on. */
#include "listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "socket_folder.h"

enum { BACKLOG = 512 };

/* Makes way for a new socket: removes one whose server is gone. */
static int clear_stale(const struct sockaddr_un *addr, struct err *err)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) != 0)
        return errno == ENOENT ? 0
                               : err_set(err, -errno, "%s: %s", addr->sun_path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, -EEXIST, "%s: exists and is not a socket", addr->sun_path);
    /* Where a server's backlog is full, connecting would wait until it takes somebody. */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, -errno, "%s: %s", addr->sun_path, strerror(errno));
    int rc = connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0 ? 0 : -errno;
    close(fd);
    if (rc == 0 || rc == -EAGAIN)
        return err_set(err, -EADDRINUSE, "%s: another server listens there", addr->sun_path);
    if (rc != -ECONNREFUSED)
        return err_set(err, rc, "%s: %s", addr->sun_path, strerror(-rc));
    if (unlink(addr->sun_path) != 0)
        return err_set(err, -errno, "%s: a stale socket that cannot be removed: %s", addr->sun_path,
                       strerror(errno));
    return 0;
}

static int open_unix(const char *path, struct listener *l, struct err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof addr.sun_path)
        return err_set(err, -EINVAL, "--listen unix:%s: a path of 1 to %zu bytes is wanted", path,
                       sizeof addr.sun_path - 1);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    int rc = clear_stale(&addr, err);
    if (rc < 0)
        return rc;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0077); /* whoever may connect may spend our CPU: the owner alone */
    rc = l->fd < 0 || bind(l->fd, (struct sockaddr *)&addr, sizeof addr) != 0 ? -errno : 0;
    umask(mask);
    if (rc == 0 && listen(l->fd, BACKLOG) != 0)
        rc = -errno;
    if (rc < 0) {
        close(l->fd);
        return err_set(err, rc, "cannot listen on %s: %s", path, strerror(-rc));
    }
    memcpy(l->unix_path, path, strlen(path) + 1);
    snprintf(l->name, sizeof l->name, "unix:%s", path);
    l->loopback = true;
    return 0;
}

static void name_tcp(struct listener *l)
{
    struct sockaddr_storage addr = {0};
    socklen_t n = sizeof addr;
    char host[64] = "?", port[16] = "?";
    getsockname(l->fd, (struct sockaddr *)&addr, &n);
    getnameinfo((struct sockaddr *)&addr, n, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(l->name, sizeof l->name, addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    l->loopback = strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static int open_tcp(const char *spec, struct listener *l, struct err *err)
{
    const char *colon = strrchr(spec, ':');
    char host[256] = "127.0.0.1";
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found = NULL;
    if (!colon || !colon[1] || (size_t)(colon - spec) >= sizeof host)
        return err_set(err, -EINVAL, "--listen %s: unix:PATH or HOST:PORT is wanted", spec);
    if (colon > spec) {
        bool bracketed = spec[0] == '[' && colon[-1] == ']';
        snprintf(host, sizeof host, "%.*s", (int)(colon - spec) - 2 * bracketed, spec + bracketed);
    }
    char *end;
    const long port =
        strtol(colon + 1, &end, 10); /* getaddrinfo takes 65536 and more modulo that */
    if (*end || port < 0 || port > UINT16_MAX)
        return err_set(err, -EINVAL, "--listen %s: a port from 0 to 65535 is wanted", spec);
    int rc = getaddrinfo(host, colon + 1, &hints, &found);
    if (rc != 0)
        return err_set(err, -EINVAL, "--listen %s: %s", spec, gai_strerror(rc));
    l->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (l->fd >= 0)
        setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    rc = l->fd < 0 || bind(l->fd, found->ai_addr, found->ai_addrlen) != 0 ||
                 listen(l->fd, BACKLOG) != 0
             ? -errno
             : 0;
    freeaddrinfo(found);
    if (rc < 0) {
        close(l->fd);
        return err_set(err, rc, "cannot listen on %s: %s", spec, strerror(-rc));
    }
    name_tcp(l);
    return 0;
}

int listen_open(const char *spec, struct listener *ret, struct err *err)
{
    struct listener l = {.fd = -1};
    int rc =
        strncmp(spec, "unix:", 5) == 0 ? open_unix(spec + 5, &l, err) : open_tcp(spec, &l, err);
    if (rc == 0)
        *ret = l;
    return rc;
}

void listen_close(struct listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    if (l->unix_path[0]) {
        unlink(l->unix_path);
        socket_folder_remove();
    }
    l->unix_path[0] = 0;
}
