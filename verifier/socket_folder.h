/* socket_folder.h: the folder of a private unix socket, which lives exactly as long as this process. */
#ifndef ASSAY_SOCKET_FOLDER_H
#define ASSAY_SOCKET_FOLDER_H

#include "base/err.h"

/* Makes the folder that the socket of `listen` ("unix:PATH") shall lie in, for this user alone. One that is there already
 * is taken if it is of that kind, and stays. Nothing happens for an address of the network. From here on SIGTERM removes
 * socket and folder, until somebody else handles it. -EEXIST: the folder is another's. */
int socket_folder_make(const char *listen, struct err *err);
/* Removes the folder if it was made here and is empty. Done as soon as the socket is closed: a parent of many threads that is
 * killed sends SIGTERM as often as it has threads, and one of them may come when nobody handles it any more. */
void socket_folder_remove(void);

#endif
