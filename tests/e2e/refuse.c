/* refuse: runs a command as if on a poorer host. usage: refuse WORD[,WORD...] COMMAND [ARGS...] */
#include <stdio.h>
#include <unistd.h>

#include "refuse.h"

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: refuse userns|namespaces|mount|landlock|seccomp[,...] COMMAND [ARGS...]\n",
              stderr);
        return 2;
    }
    int rc = refuse(argv[1]);
    if (rc < 0) {
        fprintf(stderr, "refuse: %s\n", strerror(-rc));
        return 1;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
