/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared inside analyses/store. */
#ifndef ANALYSES_STORE_PRIVATE_H
#define ANALYSES_STORE_PRIVATE_H

#include "analyses/store/sqlite.h"
#include "analyses/store/store.h"

typedef struct StoreRecording StoreRecording;

struct Store {
    sqlite3 *db;
    char *path;
    GRecMutex lock;
    unsigned depth;            /* of store_begin */
    GHashTable *claimed;       /* store_claim(), in lower case */
    bool doomed;               /* a pair inside was rolled back: so will be the outermost */
    StoreRecording *recording; /* between store_recording_begin and _end */
};

void store_lock(Store *s);
void store_unlock(Store *s);
/* The present error of the connection, with what to do about it. Returns false. */
bool store_fail(Store *s, GError **error, const char *what);
void store_recording_free(Store *s);

#endif
